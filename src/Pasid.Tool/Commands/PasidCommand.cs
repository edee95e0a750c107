using System.CommandLine;
using System.CommandLine.Help;
using Spectre.Console;

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
        IAnsiConsole console = CreateConsole(output);
        Command root = Create(console, error);
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count != 0)
        {
            foreach (var parseError in parsed.Errors)
            {
                error.WriteLine($"pasid: {parseError.Message}");
            }

            error.WriteLine("pasid: see 'pasid --help'");
            return ExitCodes.Usage;
        }

        return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error });
    }

    private static Command Create(IAnsiConsole console, TextWriter error)
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Recordings (.jsonl), or folders that are searched for them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var verify = new Command("verify", "Replays recorded steps and compares every answer. Exit code 0: no difference; 1: some; 2: a file cannot be read.") { paths };
        paths.Validators.Add(RefuseUnknownOptions);
        verify.SetAction(parsed => VerifyCommand.Run(parsed.GetValue(paths)!, console, error));

        var file = new Argument<string?>("FILE")
        {
            Description = "A scenario (.jsonl). Without one, a built-in scenario is played.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> profile = new("--profile") { Description = "The kernel to model: default, seed or v5.6. Without it, the one that the file names." };
        profile.AcceptOnlyFromAmong(Scenarios.KernelNames.Profiles);
        var run = new Command("run", "Plays a scenario and shows each step, the PASIDs at its end, and what leaked.") { file, profile };
        file.Validators.Add(RefuseUnknownOptions);
        run.SetAction(parsed => RunCommand.Run(parsed.GetValue(file), parsed.GetValue(profile), console, error));

        var root = new Command("pasid", "Linux PASID allocation and SVM binding, in process. Without a command, it does what 'run' does.")
        {
            verify,
            run,
            new HelpOption(),
            new VersionOption(),
        };
        root.SetAction(_ => RunCommand.Run(path: null, profileName: null, console, error));
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

    private static IAnsiConsole CreateConsole(TextWriter output)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) };
        if (settings.Out.IsTerminal)
        {
            return AnsiConsole.Create(settings);
        }

        // A pipe gets plain text, also on build servers that would show colours, and has no width: lines stay whole.
        settings.Ansi = AnsiSupport.No;
        settings.ColorSystem = ColorSystemSupport.NoColors;
        settings.Interactive = InteractionSupport.No;
        settings.Enrichment.UseDefaultEnrichers = false;
        IAnsiConsole console = AnsiConsole.Create(settings);
        console.Profile.Width = 1 << 12;
        return console;
    }
}
