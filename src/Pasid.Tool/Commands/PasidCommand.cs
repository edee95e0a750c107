using System.CommandLine;
using System.CommandLine.Help;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Commands;

/// <summary>The command line of the tool.</summary>
internal static class PasidCommand
{
    /// <summary>Runs the tool.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where messages about wrong input go.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var screen = new Screen(output, error);
        try
        {
            return Run(args, screen);
        }
        catch (MalformedException exception)
        {
            screen.Error(exception.Message);
        }
#pragma warning disable CA1031 // Whatever it is that nobody foresaw: who runs the tool gets a line, and a script its exit code.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            screen.Error($"cannot go on: {exception.GetType().Name}: {exception.Message}");
        }

        return ExitCodes.Usage;
    }

    private static int Run(string[] args, Screen screen)
    {
        // An argument that begins with '@' is one: the tool takes no arguments from files.
        ParseResult parsed = Create(screen).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count != 0)
        {
            foreach (var parseError in parsed.Errors)
            {
                screen.Error(parseError.Message);
            }

            screen.Error("see 'pasid --help'");
            return ExitCodes.Usage;
        }

        using var help = new StringWriter();
        int exitCode = parsed.Invoke(new InvocationConfiguration { Output = help, Error = help, EnableDefaultExceptionHandler = false });
        foreach (string line in help.ToString().TrimEnd().Split(help.NewLine, StringSplitOptions.None).SkipWhile(line => line.Length == 0))
        {
            screen.Line(line);
        }

        return exitCode;
    }

    private static Command Create(Screen screen)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Recordings (.jsonl), or folders that are searched for them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var verify = new Command("verify", "Replays recorded steps and compares every answer. Exit code 0: no difference; 1: some; 2: a file cannot be read.") { paths };
        paths.Validators.Add(RefuseUnknownOptions);
        verify.SetAction(parsed => VerifyCommand.Run(parsed.GetValue(paths)!, screen));

        var file = new Argument<string?>("FILE")
        {
            Description = "A scenario (.jsonl). Without one, a built-in scenario is played.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> profile = new("--profile") { Description = "The kernel to model: default, seed or v5.6. Without it, the one that the file names." };
        profile.AcceptOnlyFromAmong(KernelNames.Profiles);
        var run = new Command("run", "Plays a scenario and shows each step, the PASIDs at its end, and what leaked.") { file, profile };
        file.Validators.Add(RefuseUnknownOptions);
        run.SetAction(parsed => RunCommand.Run(parsed.GetValue(file), parsed.GetValue(profile), screen));

        var root = new Command("pasid", "Linux PASID allocation and SVM binding, in process. Without a command, it does what 'run' does.")
        {
            verify,
            run,
            new HelpOption(),
            new VersionOption(),
        };
        root.SetAction(_ => RunCommand.Run(path: null, profileName: null, screen));
        return root;
    }

    /// <summary>Lets a mistyped option be an error and not the name of a file.</summary>
    private static void RefuseUnknownOptions(System.CommandLine.Parsing.ArgumentResult result)
    {
        if (result.Tokens.FirstOrDefault(token => token.Value.StartsWith('-')) is { } option)
        {
            result.AddError($"Unknown option '{option.Value}'.");
        }
    }
}
