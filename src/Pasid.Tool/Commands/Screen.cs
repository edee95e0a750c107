using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Pasid.Tool.Commands;

/// <summary>
/// The one way to the console: whatever is shown, results and errors alike, goes through here and is made <see cref="Visible"/>, so that
/// no file and no argument says anything in the tool's name.
/// </summary>
internal sealed class Screen
{
    private readonly IAnsiConsole _console;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly bool _isUnicode;
    private readonly bool _isErrorUnicode;

    /// <param name="console">Writes to <paramref name="output"/>.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where errors go.</param>
    public Screen(IAnsiConsole console, TextWriter output, TextWriter error)
    {
        _console = console;
        _output = output;
        _error = error;
        _isUnicode = IsUnicode(output.Encoding);
        _isErrorUnicode = IsUnicode(error.Encoding);
    }

    public Screen(TextWriter output, TextWriter error)
        : this(CreateConsole(output), output, error)
    {
    }

    private bool IsTerminal => _console.Profile.Out.IsTerminal;

    public void Line(string text = "", string? style = null) => Line(new Piece(text, style));

    public void Line(params ReadOnlySpan<Piece> pieces)
    {
        if (IsTerminal)
        {
            var line = new Paragraph();
            foreach (Piece piece in pieces)
            {
                line.Append(Show(piece.Text), piece.Style is null ? Style.Plain : Style.Parse(piece.Style));
            }

            _console.Write(line);
            _console.WriteLine();
            return;
        }

        // Not through the console, which would break a long line, and so let a name begin one.
        foreach (Piece piece in pieces)
        {
            _output.Write(Show(piece.Text));
        }

        _output.WriteLine();
    }

    /// <summary>Shows a table; its longest cells are wrapped inside their borders.</summary>
    public void Table(string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = _isUnicode ? TableBorder.Rounded : TableBorder.Ascii };
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(Cell(column)));
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(Cell));
        }

        _console.Write(table);
    }

    public void Error(string message) => _error.WriteLine($"pasid: {Visible.Of(message, _isErrorUnicode)}");

    /// <summary>Does work for each item, behind a progress bar if somebody is there to see it.</summary>
    public void ForEach<T>(string what, IReadOnlyCollection<T> items, Action<T> work)
    {
        if (!IsTerminal || !_console.Profile.Capabilities.Interactive)
        {
            foreach (T item in items)
            {
                work(item);
            }

            return;
        }

        _console.Progress().AutoClear(true).HideCompleted(false).Start(context =>
        {
            ProgressTask task = context.AddTask(what, maxValue: Math.Max(items.Count, 1));
            foreach (T item in items)
            {
                work(item);
                task.Increment(1);
            }
        });
    }

    private static bool IsUnicode(Encoding encoding) => encoding is UTF8Encoding or UnicodeEncoding or UTF32Encoding;

    private string Show(string text) => Visible.Of(text, _isUnicode);

    private IRenderable Cell(string text) => new Text(Show(text));

    private static IAnsiConsole CreateConsole(TextWriter output)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) };
        if (settings.Out.IsTerminal)
        {
            return AnsiConsole.Create(settings);
        }

        // A pipe gets plain text, also on build servers that would show colours.
        settings.Ansi = AnsiSupport.No;
        settings.ColorSystem = ColorSystemSupport.NoColors;
        settings.Interactive = InteractionSupport.No;
        settings.Enrichment.UseDefaultEnrichers = false;
        IAnsiConsole console = AnsiConsole.Create(settings);
        console.Profile.Width = 1 << 12;
        return console;
    }
}
