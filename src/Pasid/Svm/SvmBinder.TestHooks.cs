using Pasid.Internal;

namespace Pasid;

/// <content>What tests reach of the private state, in order to damage it.</content>
public sealed partial class SvmBinder
{
    internal BindingEngine Bindings => _bindings;
}
