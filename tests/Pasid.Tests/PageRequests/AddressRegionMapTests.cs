using Pasid.Tests.Support;

namespace Pasid.Tests.PageRequests;

public sealed class AddressRegionMapTests
{
    /// <summary>How many addresses the naive map has.</summary>
    private const ulong Width = 5 * 4096;

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
    public void ToString_of_a_region_says_where_it_is_and_whether_it_is_empty()
    {
        new AddressRegion(0x1000, 0x1000, PageRequestRights.Read).ToString().Should().Be("0x1000..0x1FFF Read");
        new AddressRegion(0x1000, 0, PageRequestRights.Read).ToString().Should().Be("empty at 0x1000");
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

    [Fact]
    public void A_stack_that_grows_into_the_page_where_the_region_below_ends_stops_short_of_it()
    {
        _map.Add(new AddressRegion(0x1000, 0x801, PageRequestRights.Read));
        _map.Add(new AddressRegion(0x9000, 0x1000, PageRequestRights.Read | PageRequestRights.Write, GrowsDown: true));

        _map.Handle(_process, 0x1A00, PageRequestRights.Write).Should().Be(FaultOutcome.Handled);

        _map.Regions.Should().Equal(
            new AddressRegion(0x1000, 0x801, PageRequestRights.Read),
            new AddressRegion(0x1801, 0x87FF, PageRequestRights.Read | PageRequestRights.Write, GrowsDown: true));
        _map.Handle(_process, 0x1800, PageRequestRights.Write).Should().Be(FaultOutcome.AccessDenied);
        _map.Handle(_process, 0x1801, PageRequestRights.Write).Should().Be(FaultOutcome.Handled);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(0xFFF)]
    public void A_stack_that_ends_at_the_last_address_does_not_grow_to_address_0(ulong address)
    {
        var stack = new AddressRegion(ulong.MaxValue - 0xFFF, 0x1000, PageRequestRights.Read, GrowsDown: true);
        _map.Add(stack);

        _map.Handle(_process, address, PageRequestRights.Read).Should().Be(FaultOutcome.NotMapped);

        _map.Regions.Should().Equal(stack);
        _map.Handle(_process, 0x1000, PageRequestRights.Read).Should().Be(FaultOutcome.Handled);
        _map.Regions.Should().Equal(stack with { Start = 0x1000, Length = ulong.MaxValue - 0xFFF });
        _map.Handle(_process, 0x1000, PageRequestRights.Read).Should().Be(FaultOutcome.Handled);
    }

    [Fact]
    public void A_stack_below_the_last_address_grows_to_address_0()
    {
        _map.Add(new AddressRegion(0x1000, ulong.MaxValue - 0x1000, PageRequestRights.Read, GrowsDown: true));

        _map.Handle(_process, 0xFFF, PageRequestRights.Read).Should().Be(FaultOutcome.Handled);

        _map.Regions.Should().Equal(new AddressRegion(0, ulong.MaxValue, PageRequestRights.Read, GrowsDown: true));
        _map.Handle(_process, ulong.MaxValue, PageRequestRights.Read).Should().Be(FaultOutcome.NotMapped);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(ulong.MaxValue - (Width - 1))]
    public void Random_calls_are_answered_as_a_map_of_single_bytes_answers_them(ulong origin)
    {
        int grown = 0;
        int rounds = Effort.Rounds(60);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            var map = new AddressRegionMap();
            var bytes = new ByteMap(origin);
            for (int step = 0; step < 60; step++)
            {
                string because = $"seed {seed}, step {step}";
                ulong address = origin + (ulong)random.Next((int)Width);
                switch (random.Next(5))
                {
                    case 0:
                        ulong length = Math.Min((ulong)random.Next(1, 6_000), origin + (Width - 1) - address + 1);
                        var region = new AddressRegion(address, length, (PageRequestRights)(random.Next(8) << 1), random.Next(2) == 0);
                        bool isAdded = bytes.Add(region);
                        Action add = () => map.Add(region);
                        if (isAdded)
                        {
                            add.Should().NotThrow(because);
                        }
                        else
                        {
                            add.Should().Throw<ArgumentException>(because);
                        }

                        break;
                    case 1 when random.Next(3) == 0:
                        map.Remove(address).Should().Be(bytes.Remove(address), because);
                        break;
                    default:
                        var rights = (PageRequestRights)random.Next(16);
                        int before = bytes.Used;
                        map.Handle(_process, address, rights).Should().Be(bytes.Handle(address, rights), because);
                        grown += bytes.Used != before ? 1 : 0;
                        break;
                }

                map.Regions.Should().Equal(bytes.Regions(), because);
            }
        }

        grown.Should().BeGreaterThan(rounds, "stacks are to grow in the walk");
    }

    /// <summary>Keeps for each single byte the region that it belongs to.</summary>
    private sealed class ByteMap(ulong origin)
    {
        private readonly Owner?[] _owners = new Owner?[Width];

        public int Used => _owners.Count(owner => owner is not null);

        public bool Add(AddressRegion region)
        {
            Span<Owner?> bytes = _owners.AsSpan((int)(region.Start - origin), (int)region.Length);
            foreach (Owner? taken in bytes)
            {
                if (taken is not null)
                {
                    return false;
                }
            }

            bytes.Fill(new Owner(region.Rights, region.GrowsDown));
            return true;
        }

        public bool Remove(ulong address)
        {
            Owner? owner = _owners[address - origin];
            for (int i = 0; i < _owners.Length; i++)
            {
                _owners[i] = owner is not null && ReferenceEquals(_owners[i], owner) ? null : _owners[i];
            }

            return owner is not null;
        }

        public FaultOutcome Handle(ulong address, PageRequestRights rights)
        {
            int index = (int)(address - origin);
            Owner? owner = _owners.Skip(index).FirstOrDefault(o => o is not null);
            if (owner is null || (_owners[index] is null && !owner.GrowsDown))
            {
                return FaultOutcome.NotMapped;
            }

            // All that is free from the page of the access up to the region becomes part of it.
            bool isFree = _owners[index] is null;
            int first = index - (int)(address % 4096);
            for (int i = index; i >= first && _owners[i] is null; i--)
            {
                _owners[i] = owner;
            }

            for (int i = index + 1; isFree && _owners[i] is null; i++)
            {
                _owners[i] = owner;
            }

            return rights.HasFlag(PageRequestRights.Read) && !owner.Rights.HasFlag(PageRequestRights.Read) ? FaultOutcome.AccessDenied
                : rights.HasFlag(PageRequestRights.Write) && !owner.Rights.HasFlag(PageRequestRights.Write) ? FaultOutcome.AccessDenied
                : rights.HasFlag(PageRequestRights.Execute) && !owner.Rights.HasFlag(PageRequestRights.Execute) ? FaultOutcome.AccessDenied
                : FaultOutcome.Handled;
        }

        public List<AddressRegion> Regions()
        {
            var regions = new List<AddressRegion>();
            for (int i = 0; i < _owners.Length; i++)
            {
                if (_owners[i] is not { } owner)
                {
                    continue;
                }

                if (i > 0 && ReferenceEquals(_owners[i - 1], owner))
                {
                    regions[^1] = regions[^1] with { Length = regions[^1].Length + 1 };
                }
                else
                {
                    regions.Add(new AddressRegion(origin + (ulong)i, 1, owner.Rights, owner.GrowsDown));
                }
            }

            return regions;
        }

        private sealed class Owner(PageRequestRights rights, bool growsDown)
        {
            public PageRequestRights Rights { get; } = rights;

            public bool GrowsDown { get; } = growsDown;
        }
    }
}
