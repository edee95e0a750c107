using Pasid.Tests.Support;

namespace Pasid.Tests.Hostile;

/// <summary>What an allocator of somebody's own answers is not believed.</summary>
public sealed class LyingAllocatorTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(uint.MaxValue)]
    public void Bind_over_an_allocator_that_answers_false_is_no_space_whatever_it_stores(uint stored)
    {
        using var system = new Target { Answer = (false, stored) };

        system.Binder.BindMm(system.Device, system.Process, out Ioasid pasid).Should().Be(PasidStatus.NoSpace);

        pasid.Should().Be(Ioasid.Invalid);
        system.ShouldBeUnbound();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    [InlineData(1u << 20)]
    [InlineData(uint.MaxValue)]
    public void Bind_over_an_allocator_that_gives_a_number_outside_the_range_names_it_and_changes_nothing(uint given)
    {
        using var system = new Target { Answer = (true, given) };

        system.Binder.Invoking(b => b.BindMm(system.Device, system.Process, out _))
            .Should().Throw<InvalidOperationException>().WithMessage($"The allocator *{nameof(Target)} gave PASID {given} for 1..15, which is outside*");

        system.ShouldBeUnbound();
        system.Given.Should().Equal(given == uint.MaxValue ? [] : [given], "a number that is nobody's goes back");
    }

    [Theory]
    [InlineData(SvmBindFlags.None)]
    [InlineData(SvmBindFlags.Private)]
    public void Bind_over_an_allocator_that_gives_a_number_twice_names_it_and_leaves_it_to_its_holder(SvmBindFlags flags)
    {
        using var system = new Target();
        AddressSpace other = system.Binder.CreateAddressSpace("other");
        system.Binder.BindMm(system.Device, system.Process, out Ioasid held).Should().Be(PasidStatus.Success);
        system.Answer = (true, held.Value);

        system.Binder.Invoking(b => b.BindMm(system.Device, other, flags, callbacks: null, out _))
            .Should().Throw<InvalidOperationException>().WithMessage($"The allocator *{nameof(Target)} gave PASID 1 for 1..15, which is live already*");

        system.Given.Should().BeEmpty();
        system.Binder.Lookup(held, out AddressSpace? found).Should().Be(PasidStatus.Success);
        found.Should().BeSameAs(system.Process);
        system.Binder.GetBindings().Should().ContainSingle();
        other.Pasid.Should().Be(Ioasid.Invalid);
    }

    [Fact]
    public void A_holder_of_a_number_that_is_given_twice_gets_back_what_the_allocator_took_from_it()
    {
        using var system = new Target();
        AddressSpace other = system.Binder.CreateAddressSpace("other");
        using SvmBinding binding = system.Binder.Bind(system.Device, system.Process);
        system.Answer = (true, binding.Pasid.Value);
        system.Overwrites = true;

        system.Binder.Invoking(b => b.BindMm(system.Device, other, out _)).Should().Throw<InvalidOperationException>();

        system.Binder.Lookup(binding.Pasid, out AddressSpace? found).Should().Be(PasidStatus.Success);
        found.Should().BeSameAs(system.Process);
        system.Binder.CheckIntegrity().Should().BeEmpty();
        binding.Dispose();
        system.Binder.GetBindings().Should().BeEmpty();
    }

    [Theory]
    [InlineData((PasidStatus)7)]
    [InlineData(PasidStatus.AccessDenied)]
    public void Unbind_over_an_allocator_that_does_not_take_a_number_back_is_done_and_names_it(PasidStatus status)
    {
        using var system = new Target();
        system.Binder.BindMm(system.Device, system.Process, SvmBindFlags.Private, callbacks: null, out Ioasid pasid).Should().Be(PasidStatus.Success);
        system.FreeStatus = status;

        system.Binder.Invoking(b => b.UnbindMm(system.Device, pasid)).Should().Throw<InvalidOperationException>().WithMessage($"The allocator *{nameof(Target)} answered {status} when PASID 1 was given back*");

        system.Binder.GetBindings().Should().BeEmpty();
        system.FreeStatus = null;
    }

    [Fact]
    public void A_number_that_was_given_back_may_be_given_again()
    {
        using var system = new Target { Answer = (true, 3) };
        for (int i = 0; i < 3; i++)
        {
            system.Binder.BindMm(system.Device, system.Process, SvmBindFlags.Private, callbacks: null, out Ioasid pasid).Should().Be(PasidStatus.Success);
            system.Binder.UnbindMm(system.Device, pasid).Should().Be(PasidStatus.Success);
        }
    }

    [Fact]
    public void Lookup_over_an_allocator_that_answers_no_status_names_it()
    {
        using var system = new Target { LookupStatus = (PasidStatus)5 };

        system.Binder.Invoking(b => b.Lookup(new Ioasid(1), out _)).Should().Throw<InvalidOperationException>().WithMessage($"The allocator *{nameof(Target)} answered 5, which is no status*");
    }

    [Theory]
    [InlineData(PasidStatus.AccessDenied)]
    [InlineData(PasidStatus.NotFound)]
    public void Bind_over_an_allocator_that_takes_no_data_for_a_remembered_pasid_fails_and_changes_nothing(PasidStatus status)
    {
        using var system = new Target();
        system.Binder.BindMm(system.Device, system.Process, out Ioasid pasid).Should().Be(PasidStatus.Success);
        system.Binder.UnbindMm(system.Device, pasid).Should().Be(PasidStatus.Success);
        system.DataStatus = status;

        system.Binder.Invoking(b => b.Bind(system.Device, system.Process)).Should().Throw<PasidException>().Which.Status.Should().Be(status);

        system.Binder.GetBindings().Should().BeEmpty();
        system.SetUp.Should().Be(1, "the second bind did not come that far");
        system.Process.Pasid.Should().Be(pasid);
    }

    [Fact]
    public void Bind_that_an_iommu_refuses_says_who_answered_what_whatever_the_number()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        foreach (PasidStatus status in Enum.GetValues<PasidStatus>().Where(status => status != PasidStatus.Success))
        {
            host.Iommu0.SetUpStatus = status;
            Fails(status, "which its IOMMU 'iommu0' answered when it was to set up the PASID entry.");
            host.Iommu0.SetUpStatus = PasidStatus.Success;
            host.Iommu0.EnableStatus = status;
            Fails(status, "which its IOMMU 'iommu0' answered when it was to enable PASIDs.");
            host.Iommu0.EnableStatus = PasidStatus.Success;
            foreach (SvmFaultPoint point in Enum.GetValues<SvmFaultPoint>().Where(point => point != SvmFaultPoint.AddressSpaceCopy))
            {
                (host.Armed, host.ArmedStatus) = (point, status);
                Fails(status, $"which the fault injector answered at {point}.");
            }

            host.Armed = null;
        }

        void Fails(PasidStatus status, string reason) =>
            host.Binder.Invoking(b => b.Bind(host.DeviceA, process)).Should().Throw<PasidException>()
                .WithMessage($"Binding the device 'devA' failed with {status}, {reason}").Which.Status.Should().Be(status);
    }

    /// <summary>A binder over an allocator that answers what it is told to.</summary>
    private sealed class Target : IIoasidAllocator, IIommu, IDisposable
    {
        private readonly IoasidAllocator _inner = new();

        public Target()
        {
            Binder = new SvmBinder(this, new PasidOptions { PasidLimit = 16 });
            Device = new SvmDevice("device", this);
            Process = Binder.CreateAddressSpace("process");
        }

        public SvmBinder Binder { get; }

        public SvmDevice Device { get; }

        public AddressSpace Process { get; }

        /// <summary>Gets or sets what allocations answer and store; <see langword="null"/> for the truth.</summary>
        public (bool IsAllocated, uint Id)? Answer { get; set; }

        /// <summary>Gets or sets a value indicating whether an allocation of a live id replaces its data, as the contract of one would have it.</summary>
        public bool Overwrites { get; set; }

        public PasidStatus? FreeStatus { get; set; }

        public PasidStatus? LookupStatus { get; set; }

        public PasidStatus? DataStatus { get; set; }

        /// <summary>Gets the numbers that were given back.</summary>
        public List<uint> Given { get; } = [];

        /// <summary>Gets how many entries were set up.</summary>
        public int SetUp { get; private set; }

        public string Name => "iommu";

        public bool IsSvmCapable => true;

        public bool SupportsSupervisor => true;

        public long LiveCount => _inner.LiveCount;

        public void ShouldBeUnbound()
        {
            Binder.GetBindings().Should().BeEmpty();
            SetUp.Should().Be(0);
            Process.Pasid.Should().Be(Ioasid.Invalid);
            Process.Pins.Should().Be(0);
        }

        public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
        {
            if (Answer is { } answer)
            {
                id = new Ioasid(answer.Id);
                if (Overwrites)
                {
                    _inner.SetData(id, data);
                }

                return answer.IsAllocated && (_inner.TryAllocate(new IoasidRange(answer.Id, answer.Id), ioasidSet, data, out _) || true);
            }

            return _inner.TryAllocate(range, ioasidSet, data, out id);
        }

        public PasidStatus Free(Ioasid id)
        {
            Given.Add(id.Value);
            PasidStatus status = _inner.Free(id);
            return FreeStatus ?? status;
        }

        public PasidStatus AddReference(Ioasid id) => _inner.AddReference(id);

        public IoasidRelease DropReference(Ioasid id) => _inner.DropReference(id);

        public PasidStatus SetData(Ioasid id, object? data) => data is null ? _inner.SetData(id, data) : DataStatus ?? _inner.SetData(id, data);

        public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
        {
            PasidStatus status = _inner.Lookup(id, ioasidSet, predicate, out data);
            return LookupStatus ?? status;
        }

        public bool TryFindLive(Ioasid from, out Ioasid id) => _inner.TryFindLive(from, out id);

        public PasidStatus EnablePasid(SvmDevice device) => PasidStatus.Success;

        public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace)
        {
            SetUp++;
            return PasidStatus.Success;
        }

        public void TearDownPasidEntry(SvmDevice device, Ioasid pasid)
        {
        }

        public void Flush(SvmDevice device, Ioasid pasid)
        {
        }

        public void Dispose()
        {
            (Answer, LookupStatus, DataStatus) = (null, null, null);
            Binder.Dispose();
        }
    }
}
