using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>What a debugger shows of a binder: its counts and its bindings.</summary>
internal sealed class SvmBinderDebugView(SvmBinder binder)
{
    public KernelProfile Profile => binder.Profile;

    public SvmStatistics Statistics => binder.GetStatistics();

    [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
    public SvmBindingInfo[] Bindings => [.. binder.GetBindings()];
}
