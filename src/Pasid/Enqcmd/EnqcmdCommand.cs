using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Pasid;

/// <summary>
/// The 64 bytes that a device gets from ENQCMD, ENQCMDS or MOVDIR64B: bits 19..0 the PASID, bits 30..20 zero, bit 31 PRIV, the rest what
/// the program wrote.
/// </summary>
/// <remarks>Immutable; safe for concurrent use. <c>default(EnqcmdCommand)</c> is all zeros.</remarks>
public readonly struct EnqcmdCommand : IEquatable<EnqcmdCommand>
{
    /// <summary>How long a command is, in bytes.</summary>
    public const int Length = 64;

    private const uint PrivilegedBit = 1u << 31;
    private const uint PasidMask = IoasidRange.PasidLimit - 1;

    private readonly Bytes _bytes;

    /// <summary>Makes the command that a device gets of what a program wrote.</summary>
    /// <param name="source">The 64 bytes that the program wrote; the first four do not matter.</param>
    /// <param name="pasid">The PASID, below 1048576.</param>
    /// <param name="isPrivileged">Whether it is enqueued with supervisor privilege.</param>
    /// <exception cref="ArgumentException"><paramref name="source"/> is not 64 bytes long.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pasid"/> has more than 20 bits.</exception>
    public EnqcmdCommand(ReadOnlySpan<byte> source, Ioasid pasid, bool isPrivileged)
    {
        CheckLength(source);
        if (pasid.Value >= IoasidRange.PasidLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(pasid), pasid, $"A command has 20 bits for a PASID: give one below {IoasidRange.PasidLimit}.");
        }

        Span<byte> bytes = _bytes;
        source.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, pasid.Value | (isPrivileged ? PrivilegedBit : 0));
    }

    /// <summary>Gets whose address space the command works in.</summary>
    /// <value>Bits 19..0.</value>
    public Ioasid Pasid => new(Head & PasidMask);

    /// <summary>Gets a value indicating whether the command was enqueued with supervisor privilege.</summary>
    /// <value>Bit 31: never after ENQCMD and MOVDIR64B; after ENQCMDS as the kernel asked for.</value>
    public bool IsPrivileged => (Head & PrivilegedBit) != 0;

    private uint Head => BinaryPrimitives.ReadUInt32LittleEndian(_bytes);

    /// <summary>Compares two commands.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns><see langword="true"/> if all bytes are equal.</returns>
    public static bool operator ==(EnqcmdCommand left, EnqcmdCommand right) => left.Equals(right);

    /// <summary>Compares two commands.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns><see langword="true"/> if a byte differs.</returns>
    public static bool operator !=(EnqcmdCommand left, EnqcmdCommand right) => !left.Equals(right);

    /// <summary>Copies the command.</summary>
    /// <param name="destination">At least 64 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is shorter.</exception>
    public void CopyTo(Span<byte> destination) => ((ReadOnlySpan<byte>)_bytes).CopyTo(destination);

    /// <summary>Compares with another command.</summary>
    /// <param name="other">The other.</param>
    /// <returns><see langword="true"/> if all bytes are equal.</returns>
    public bool Equals(EnqcmdCommand other) => ((ReadOnlySpan<byte>)_bytes).SequenceEqual(other._bytes);

    /// <summary>Compares with another object.</summary>
    /// <param name="obj">The other.</param>
    /// <returns><see langword="true"/> if it is an equal command.</returns>
    public override bool Equals(object? obj) => obj is EnqcmdCommand other && Equals(other);

    /// <summary>Gets a hash of the bytes.</summary>
    /// <returns>Equal for equal commands.</returns>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Refuses what is not as long as a command.</summary>
    internal static void CheckLength(ReadOnlySpan<byte> source)
    {
        if (source.Length != Length)
        {
            throw new ArgumentException($"A command has {Length} bytes, and these are {source.Length}.", nameof(source));
        }
    }

    [InlineArray(Length)]
    private struct Bytes
    {
        private byte _first;
    }
}
