using Pasid.Tests.Support;

namespace Pasid.Tests.PageRequests;

public sealed class AddressRegionMapTests
{
    /// <summary>How many addresses the naive map has.</summary>
    private const ulong Width = 5 * 4096;

    /// <summary>A map whose stacks grow wherever there is room.</summary>
    private readonly AddressRegionMap _map = new() { StackLimit = ulong.MaxValue, StackGuardGap = 0, MinimumMapAddress = 0 };
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
    public void An_access_to_the_page_where_the_region_below_ends_is_one_to_that_region()
    {
        _map.Add(new AddressRegion(0x1000, 0x801, PageRequestRights.Read));
        _map.Add(new AddressRegion(0x9000, 0x1000, PageRequestRights.Read | PageRequestRights.Write, GrowsDown: true));

        _map.Handle(_process, 0x1A00, PageRequestRights.Write).Should().Be(FaultOutcome.AccessDenied);
        _map.Handle(_process, 0x2A00, PageRequestRights.Write).Should().Be(FaultOutcome.Handled);

        _map.Regions.Should().Equal(
            new AddressRegion(0x1000, 0x801, PageRequestRights.Read),
            new AddressRegion(0x2000, 0x8000, PageRequestRights.Read | PageRequestRights.Write, GrowsDown: true));
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
        _map.Handle(_process, ulong.MaxValue, PageRequestRights.Read).Should().Be(FaultOutcome.Handled, "its page begins in the region");
    }

    [Theory]
    [InlineData(0x100_0000, 0x80_0000, true, "as long as it may become")]
    [InlineData(0x0FF_F000, 0x80_1000, false, "a page too long")]
    public void A_stack_grows_up_to_the_stack_limit(ulong address, ulong length, bool grows, string because)
    {
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(0x17F_F000, 0x1000, PageRequestRights.Write, GrowsDown: true));
        (0x180_0000 - address).Should().Be(length);

        map.Handle(_process, address + 0x123, PageRequestRights.Write).Should().Be(grows ? FaultOutcome.Handled : FaultOutcome.NotMapped, because);

        map.Regions.Should().Equal(grows
            ? new AddressRegion(address, length, PageRequestRights.Write, GrowsDown: true)
            : new AddressRegion(0x17F_F000, 0x1000, PageRequestRights.Write, GrowsDown: true));
    }

    [Theory]
    [InlineData(0x10000, true)]
    [InlineData(0x0F000, false)]
    public void A_stack_grows_down_to_the_lowest_address_that_may_be_mapped(ulong address, bool grows)
    {
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(0x20000, 0x1000, PageRequestRights.Write, GrowsDown: true));

        map.Handle(_process, address, PageRequestRights.Write).Should().Be(grows ? FaultOutcome.Handled : FaultOutcome.NotMapped);
    }

    [Theory]
    [InlineData(PageRequestRights.Read, false, 0x60_0000, true)]
    [InlineData(PageRequestRights.Read, false, 0x5F_F000, false)]
    [InlineData(PageRequestRights.Write, false, 0x5F_F000, false)]
    [InlineData(PageRequestRights.Execute, false, 0x5F_F000, false)]
    [InlineData(PageRequestRights.None, false, 0x50_0000, true)]
    [InlineData(PageRequestRights.Read, true, 0x50_0000, true)]
    public void A_stack_stays_away_from_the_region_below_unless_that_grows_too_or_allows_nothing(PageRequestRights below, bool belowGrows, ulong address, bool grows)
    {
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(0x4F_F000, 0x1000, below, belowGrows));
        map.Add(new AddressRegion(0x70_0000, 0x1000, PageRequestRights.Write, GrowsDown: true));

        map.Handle(_process, address, PageRequestRights.Write).Should().Be(grows ? FaultOutcome.Handled : FaultOutcome.NotMapped);
    }

    [Fact]
    public void A_stack_does_not_grow_while_a_core_dump_is_written()
    {
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(0x70_0000, 0x1000, PageRequestRights.Write, GrowsDown: true));

        _process.IsDumpingCore = true;
        map.Handle(_process, 0x6F_F000, PageRequestRights.Write).Should().Be(FaultOutcome.NotMapped);
        map.Handle(_process, 0x70_0000, PageRequestRights.Write).Should().Be(FaultOutcome.Handled);
        _process.IsDumpingCore = false;
        map.Handle(_process, 0x6F_F000, PageRequestRights.Write).Should().Be(FaultOutcome.Handled);
    }

    [Fact]
    public void A_gap_is_of_whole_pages()
    {
        FluentActions.Invoking(() => new AddressRegionMap { StackGuardGap = 4097 }).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*give a multiple of 4096*");
        var map = new AddressRegionMap();
        (map.StackLimit, map.StackGuardGap, map.MinimumMapAddress, map.PageFaultHandler).Should().Be((8388608, 1048576, 65536, null));
    }

    [Fact]
    public void The_page_fault_handler_gets_the_page_and_whether_it_is_written_once_the_access_is_allowed()
    {
        List<(AddressSpace Process, ulong Page, bool IsWrite, int Regions)> faults = [];
        FaultOutcome answer = FaultOutcome.Handled;
        AddressRegionMap map = null!;
        map = new AddressRegionMap
        {
            PageFaultHandler = (process, page, isWrite) =>
            {
                faults.Add((process, page, isWrite, map.Regions.Count));
                return answer;
            },
        };
        map.Add(new AddressRegion(0x70_0000, 0x1000, PageRequestRights.Read | PageRequestRights.Write, GrowsDown: true));

        map.Handle(_process, 0x70_0FFF, PageRequestRights.Read).Should().Be(FaultOutcome.Handled);
        map.Handle(_process, 0x6F_F001, PageRequestRights.Write | PageRequestRights.Privileged).Should().Be(FaultOutcome.Handled);
        map.Handle(_process, 0x6F_E000, PageRequestRights.Execute).Should().Be(FaultOutcome.AccessDenied);
        map.Handle(_process, 0x90_0000, PageRequestRights.Write).Should().Be(FaultOutcome.NotMapped);
        answer = FaultOutcome.Failed;
        map.Handle(_process, 0x6F_D000, PageRequestRights.None).Should().Be(FaultOutcome.Failed);

        faults.Should().Equal((_process, 0x70_0000, false, 1), (_process, 0x6F_F000, true, 1), (_process, 0x6F_D000, false, 1));
        map.Regions.Single().Start.Should().Be(0x6F_D000, "it has grown whatever became of the access");
    }

    [Fact]
    public void The_page_fault_handler_may_change_the_map_and_what_it_throws_passes_on()
    {
        AddressRegionMap map = null!;
        map = new AddressRegionMap
        {
            PageFaultHandler = (_, page, _) =>
            {
                var other = new Thread(() => map.Remove(page));
                other.Start();
                other.Join();
                throw new TimeoutException();
            },
        };
        map.Add(new AddressRegion(0x70_0000, 0x1000, PageRequestRights.Read));

        map.Invoking(m => m.Handle(_process, 0x70_0000, PageRequestRights.Read)).Should().Throw<TimeoutException>();

        map.Regions.Should().BeEmpty();
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
            var map = new AddressRegionMap
            {
                StackLimit = random.Next(2) == 0 ? ulong.MaxValue : (ulong)random.Next(20_000),
                StackGuardGap = (ulong)random.Next(3) * 4096,
                MinimumMapAddress = origin + (ulong)random.Next(4_097),
            };
            var bytes = new ByteMap(origin, map);
            for (int step = 0; step < 60; step++)
            {
                string because = $"seed {seed}, step {step}";
                ulong address = origin + (ulong)random.Next((int)Width);
                switch (random.Next(6))
                {
                    case 2 when random.Next(3) == 0:
                        _process.IsDumpingCore = random.Next(4) == 0;
                        break;
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
                        map.Handle(_process, address, rights).Should().Be(bytes.Handle(address, rights, _process.IsDumpingCore), because);
                        grown += bytes.Used != before ? 1 : 0;
                        break;
                }

                map.Regions.Should().Equal(bytes.Regions(), because);
            }
        }

        grown.Should().BeGreaterThan(rounds, "stacks are to grow in the walk");
    }

    /// <summary>Keeps for each single byte the region that it belongs to.</summary>
    private sealed class ByteMap(ulong origin, AddressRegionMap limits)
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

        public FaultOutcome Handle(ulong address, PageRequestRights rights, bool isDumpingCore)
        {
            int page = (int)((address - origin) / 4096 * 4096);
            int first = Array.FindIndex(_owners, page, o => o is not null);
            if (first < 0)
            {
                return FaultOutcome.NotMapped;
            }

            Owner owner = _owners[first]!;
            if (first > page)
            {
                int below = page == 0 ? -1 : Array.FindLastIndex(_owners, page - 1, o => o is not null);
                bool needsGap = below >= 0 && _owners[below] is { GrowsDown: false } other && other.Rights != PageRequestRights.None;
                int length = Array.FindLastIndex(_owners, o => ReferenceEquals(o, owner)) + 1 - page;
                if (!owner.GrowsDown || isDumpingCore || origin + (ulong)page < limits.MinimumMapAddress || (ulong)length > limits.StackLimit
                    || (needsGap && (ulong)(page - (below + 1)) < limits.StackGuardGap))
                {
                    return FaultOutcome.NotMapped;
                }

                Array.Fill(_owners, owner, page, first - page);
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
