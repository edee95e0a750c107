namespace Pasid.Internal;

/// <content>What tests reach of the private state, in order to damage it.</content>
internal sealed partial class BindingTable
{
    internal ref int CountHook => ref _count;
}
