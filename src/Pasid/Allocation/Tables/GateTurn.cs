using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>The rest of the time inside a gate, which its end leaves; <see langword="default"/> leaves none.</summary>
internal readonly ref struct GateTurn
{
    private readonly ref Gate _gate;

    public GateTurn(ref Gate gate) => _gate = ref gate;

    public void Dispose()
    {
        if (!Unsafe.IsNullRef(ref _gate))
        {
            _gate.Leave();
        }
    }
}
