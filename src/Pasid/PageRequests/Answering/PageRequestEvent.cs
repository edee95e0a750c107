using System.Diagnostics;
using System.Globalization;

namespace Pasid;

/// <summary>Tells of one step of the answering of page requests.</summary>
/// <remarks>
/// <para>Which properties have a value depends on <see cref="Kind"/>; the others are default. <c>default(PageRequestEvent)</c> tells of
/// nothing.</para>
/// <para>Immutable; safe for concurrent use.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct PageRequestEvent
{
    internal PageRequestEvent(PageRequestEventKind kind, PageRequestRegister register = default, ulong value = 0)
    {
        Kind = kind;
        Register = register;
        Value = value;
    }

    /// <summary>Gets what kind of step it was.</summary>
    /// <value>Decides which other properties have a value.</value>
    public PageRequestEventKind Kind { get; }

    /// <summary>Gets the register.</summary>
    /// <value>Of <see cref="PageRequestEventKind.RegisterRead"/> and <see cref="PageRequestEventKind.RegisterWritten"/>.</value>
    public PageRequestRegister Register { get; }

    /// <summary>Gets what was read or written.</summary>
    /// <value>Of <see cref="PageRequestEventKind.RegisterRead"/> and <see cref="PageRequestEventKind.RegisterWritten"/>.</value>
    public ulong Value { get; }

    /// <summary>Formats the step as one line of a trace, for example <c>read PQT 0x20</c>.</summary>
    /// <returns>The line.</returns>
    public override string ToString() => Kind switch
    {
        PageRequestEventKind.RegisterRead => Line("read"),
        PageRequestEventKind.RegisterWritten => Line("write"),
        PageRequestEventKind.PasidAbsent => "log no PASID",
        PageRequestEventKind.PasidUnknown => "log invalid PASID",
        PageRequestEventKind.DeviceUnknown => "warn",
        PageRequestEventKind.DrainWaited => "wait",
        PageRequestEventKind.ThreadDied => "oops",
        _ => string.Empty,
    };

    private string Line(string verb)
    {
        string register = Register switch
        {
            PageRequestRegister.Head => "PQH",
            PageRequestRegister.Tail => "PQT",
            _ => "PRS",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{verb} {register} 0x{Value:x}");
    }
}
