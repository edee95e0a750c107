namespace Pasid;

/// <summary>
/// Thrown by the everyday forms (<c>Allocate</c>, <c>Bind</c>) when the operation ended with a <see cref="PasidStatus"/>
/// other than <see cref="PasidStatus.Success"/>.
/// </summary>
/// <remarks>Like every exception it is not thread-safe to mutate; <see cref="Status"/> is immutable.</remarks>
public sealed class PasidException : InvalidOperationException
{
    /// <summary>Makes an exception with <see cref="PasidStatus.InvalidArgument"/> and a general message.</summary>
    public PasidException()
        : this(PasidStatus.InvalidArgument, "The PASID operation failed.")
    {
    }

    /// <summary>Makes an exception with <see cref="PasidStatus.InvalidArgument"/>.</summary>
    /// <param name="message">What was wrong and what would be right.</param>
    public PasidException(string message)
        : this(PasidStatus.InvalidArgument, message)
    {
    }

    /// <summary>Makes an exception with <see cref="PasidStatus.InvalidArgument"/> and a cause.</summary>
    /// <param name="message">What was wrong and what would be right.</param>
    /// <param name="innerException">The cause.</param>
    public PasidException(string message, Exception innerException)
        : base(message, innerException) => Status = PasidStatus.InvalidArgument;

    /// <summary>Makes an exception for a status.</summary>
    /// <param name="status">How the operation ended: a negative number, which <see cref="PasidStatus"/> need not define, or
    /// <see cref="PasidStatus.Success"/>.</param>
    /// <param name="message">What was wrong and what would be right.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="status"/> is positive, and so no status.</exception>
    public PasidException(PasidStatus status, string message)
        : base(message) => Status = status <= 0
            ? status
            : throw new ArgumentOutOfRangeException(nameof(status), status, $"A status is not positive: give a value of {nameof(PasidStatus)}, or another error number of the kernel.");

    /// <summary>Gets how the operation ended.</summary>
    /// <value>What the status-returning form of the same operation would have answered.</value>
    public PasidStatus Status { get; }
}
