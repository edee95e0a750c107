using Pasid.Tool.Commands;

namespace Pasid.Tests.Support;

/// <summary>One run of the tool in this process.</summary>
internal sealed record ToolRun(int ExitCode, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static ToolRun Of(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int exitCode = PasidCommand.Run(args, output, error);
        return new ToolRun(exitCode, output.ToString(), error.ToString());
    }
}
