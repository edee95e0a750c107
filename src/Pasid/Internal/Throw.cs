using System.Diagnostics.CodeAnalysis;

namespace Pasid.Internal;

/// <summary>Cold throws, out of line so that the hot methods around them stay small.</summary>
internal static class Throw
{
    [DoesNotReturn]
    public static void CalledFromCallback(string what) =>
        throw new InvalidOperationException($"{what} was changed from inside one of its own callbacks: return from the callback first, then make the call.");

    [DoesNotReturn]
    public static void Disposed(string name) => throw new ObjectDisposedException(name);
}
