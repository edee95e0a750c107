using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What an <see cref="Operation"/> has come to so far; taken out and put back when it leaves the gate in between.</summary>
internal struct OperationState
{
    /// <summary>Set while the operation can only go on to its end: what callbacks throw then waits until it has.</summary>
    public bool IsCompleting;

    /// <summary>What is left to do once the gate is left; <see langword="null"/> in the common case.</summary>
    public Aftermath? Aftermath;

    /// <summary>What the first message tells of: kept in parts, because every unbind has it, and a log that is off must cost no object.</summary>
    public object? Subject;

    /// <inheritdoc cref="Subject"/>
    public uint Number;

    /// <summary>Writes the message about <see cref="Subject"/>.</summary>
    public Action<ILogger, object, uint>? WriteSubject;
}
