namespace Pasid.Tests.PageRequests;

public sealed class AddressRegionMapTests
{
    private readonly AddressRegionMap _map = new();
    private readonly AddressSpace _process = new SvmBinder().CreateAddressSpace("P");

    [Theory]
    [InlineData(0x0FFF, PageRequestRights.Read, FaultOutcome.NotMapped)]
    [InlineData(0x1000, PageRequestRights.Read, FaultOutcome.Handled)]
    [InlineData(0x2FFF, PageRequestRights.Read, FaultOutcome.Handled)]
    [InlineData(0x3000, PageRequestRights.Read, FaultOutcome.NotMapped)]
    [InlineData(0x1000, PageRequestRights.Write, FaultOutcome.AccessDenied)]
    [InlineData(0x1000, PageRequestRights.Read | PageRequestRights.Execute, FaultOutcome.AccessDenied)]
    [InlineData(0x1000, PageRequestRights.Read | PageRequestRights.Privileged, FaultOutcome.Handled)]
    [InlineData(0x1000, PageRequestRights.None, FaultOutcome.Handled)]
    [InlineData(0x9000, PageRequestRights.Write, FaultOutcome.Handled)]
    [InlineData(0x9000, PageRequestRights.Read, FaultOutcome.AccessDenied)]
    public void An_access_is_handled_where_a_region_allows_it(ulong address, PageRequestRights rights, FaultOutcome expected)
    {
        _map.Add(new AddressRegion(0x9000, 0x1000, PageRequestRights.Write));
        _map.Add(new AddressRegion(0x1000, 0x2000, PageRequestRights.Read));

        _map.Handle(_process, address, rights).Should().Be(expected);
    }

    [Fact]
    public void A_stack_grows_down_to_the_page_of_the_access_and_not_into_the_region_below()
    {
        _map.Add(new AddressRegion(0x1000, 0x1000, PageRequestRights.Read));
        _map.Add(new AddressRegion(0x9000, 0x1000, PageRequestRights.Read, GrowsDown: true));

        _map.Handle(_process, 0x5123, PageRequestRights.Read).Should().Be(FaultOutcome.Handled);
        _map.Handle(_process, 0x1800, PageRequestRights.Write).Should().Be(FaultOutcome.AccessDenied);
        _map.Handle(_process, 0x2000, PageRequestRights.Write).Should().Be(FaultOutcome.AccessDenied, "it grows before the rights are looked at");

        _map.Regions.Should().Equal(
            new AddressRegion(0x1000, 0x1000, PageRequestRights.Read),
            new AddressRegion(0x2000, 0x8000, PageRequestRights.Read, GrowsDown: true));
    }

    [Fact]
    public void Regions_do_not_overlap_and_end_within_64_bits()
    {
        _map.Add(new AddressRegion(0x1000, 0x1000, PageRequestRights.Read));
        _map.Add(new AddressRegion(ulong.MaxValue, 1, PageRequestRights.Read));

        _map.Invoking(m => m.Add(new AddressRegion(0x1FFF, 2, PageRequestRights.Read))).Should().Throw<ArgumentException>().WithMessage("*overlaps 0x1000..0x1FFF Read*");
        _map.Invoking(m => m.Add(new AddressRegion(0, 0x1001, PageRequestRights.Read))).Should().Throw<ArgumentException>();
        _map.Invoking(m => m.Add(new AddressRegion(0, 0, PageRequestRights.Read))).Should().Throw<ArgumentException>().WithMessage("*1 byte or more*");
        _map.Invoking(m => m.Add(new AddressRegion(ulong.MaxValue, 2, PageRequestRights.Read))).Should().Throw<ArgumentException>().WithMessage("*within 64 bits*");
        _map.Invoking(m => m.Add(new AddressRegion(0, 1, PageRequestRights.Privileged))).Should().Throw<ArgumentException>().WithMessage("*its rights are Privileged*");
        _map.Add(new AddressRegion(0x2000, 1, PageRequestRights.Read));
        _map.Regions.Should().HaveCount(3);
    }

    [Fact]
    public void A_region_is_removed_by_any_of_its_addresses()
    {
        _map.Add(new AddressRegion(0x1000, 0x1000, PageRequestRights.Read));

        _map.Remove(0xFFF).Should().BeFalse();
        _map.Remove(0x2000).Should().BeFalse();
        _map.Remove(0x1800).Should().BeTrue();
        _map.Handle(_process, 0x1800, PageRequestRights.Read).Should().Be(FaultOutcome.NotMapped);
    }
}
