using System.Diagnostics;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Diagnostics;

public sealed class DebugViewTests
{
    [Theory]
    [InlineData(typeof(IoasidAllocator), typeof(IoasidAllocatorDebugView))]
    [InlineData(typeof(SvmBinder), typeof(SvmBinderDebugView))]
    public void A_debugger_finds_the_view(Type type, Type view) =>
        Type.GetType(type.GetCustomAttributes(inherit: false).OfType<DebuggerTypeProxyAttribute>().Single().ProxyTypeName).Should().Be(view);

    [Fact]
    public void The_view_of_an_allocator_shows_its_counts_and_first_hundred_ids()
    {
        var allocator = new IoasidAllocator();
        for (int i = 0; i < 150; i++)
        {
            allocator.Allocate(IoasidRange.Pasids, ioasidSet: null, $"data {i}");
        }

        allocator.AddReference(new Ioasid(1));
        var view = new IoasidAllocatorDebugView(allocator);

        view.Statistics.LiveCount.Should().Be(150);
        view.Items.Should().HaveCount(100);
        view.Items[0].Should().Be(new IoasidAllocatorDebugView.Item(new Ioasid(1), 2, "data 0"));
    }

    [Fact]
    public void The_view_of_a_binder_shows_its_profile_counts_and_bindings()
    {
        using var host = new Host(KernelProfile.Linux56);
        host.Bind(host.DeviceA, host.Process("process"), 1);
        var view = new SvmBinderDebugView(host.Binder);

        view.Profile.Should().BeSameAs(KernelProfile.Linux56);
        view.Statistics.Bindings.Should().Be(1);
        view.Bindings.Should().ContainSingle().Which.Pasid.Should().Be(new Ioasid(1));
    }
}
