using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Records of unbound devices are used again, and not hoarded.</summary>
public sealed class SpareDeviceRecordsTests
{
    private readonly SvmDevice _device = new("device", new Iommu("iommu"));

    [Fact]
    public void Take_gives_the_records_of_before_and_no_more_than_64_of_them()
    {
        SpareDeviceRecords spares = default;
        SvmDeviceRecord[] kept = [.. Enumerable.Range(0, 200).Select(_ => new SvmDeviceRecord())];
        foreach (SvmDeviceRecord record in kept)
        {
            spares.Keep(record);
        }

        SvmDeviceRecord[] taken = [.. Enumerable.Range(0, 200).Select(_ => spares.Take(_device, callbacks: null))];

        taken.Intersect(kept).Should().HaveCount(64);
        taken.Should().OnlyHaveUniqueItems().And.OnlyContain(record => record.Users == 1 && record.Device == _device && record.Older == null);
    }

    [Fact]
    public void Keep_forgets_the_callbacks_and_leaves_a_record_alone_that_a_handle_names()
    {
        SpareDeviceRecords spares = default;
        SvmDeviceRecord record = spares.Take(_device, new Callbacks("callbacks"));
        SvmDeviceRecord named = spares.Take(_device, callbacks: null);
        named.HasHandle = true;

        spares.Keep(record);
        spares.Keep(named);

        record.Callbacks.Should().BeNull();
        spares.Take(_device, callbacks: null).Should().BeSameAs(record);
        spares.Take(_device, callbacks: null).Should().NotBeSameAs(named);
    }
}
