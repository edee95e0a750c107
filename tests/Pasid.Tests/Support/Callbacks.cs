namespace Pasid.Tests.Support;

internal sealed class Callbacks(string name) : ISvmDeviceCallbacks
{
    public string Name { get; } = name;
}
