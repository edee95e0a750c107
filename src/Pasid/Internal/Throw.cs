using System.Diagnostics.CodeAnalysis;

namespace Pasid.Internal;

/// <summary>Cold throws, out of line so that the hot methods around them stay small.</summary>
internal static class Throw
{
    [DoesNotReturn]
    public static void CalledFromCallback(string what) =>
        throw new InvalidOperationException($"{what} was changed from inside one of its own callbacks: return from the callback first, then make the call.");

    [DoesNotReturn]
    public static void Disposed(object instance) => throw new ObjectDisposedException(instance.GetType().Name);

    /// <summary>Refuses rights that are no combination of the defined ones.</summary>
    public static void IfUndefined(PageRequestRights rights, string parameterName)
    {
        if (!PageRequest.AreDefined(rights))
        {
            throw new ArgumentOutOfRangeException(parameterName, rights, $"Undefined bits are set: combine members of {nameof(PageRequestRights)}.");
        }
    }

    [DoesNotReturn]
    public static void Undefined(KernelQuirks quirks, string parameterName) =>
        throw new ArgumentOutOfRangeException(parameterName, quirks, $"Undefined bits are set: combine members of {nameof(KernelQuirks)}.");

    public static InvalidOperationException UndefinedStatus(string who, PasidStatus status) =>
        new($"{who} answered {(int)status}, which is no status: answer PasidStatus.Success or a negative one.");
}
