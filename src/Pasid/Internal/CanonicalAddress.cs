namespace Pasid.Internal;

/// <summary>Addresses of which all bits above those that count are alike.</summary>
internal static class CanonicalAddress
{
    /// <summary>Tells whether an address is one.</summary>
    /// <param name="address">The address.</param>
    /// <param name="width">How many bits count.</param>
    public static bool Is(ulong address, int width) => (ulong)((long)(address << (64 - width)) >> (64 - width)) == address;
}
