using System.Reflection;
using Pasid.Tests.Support;

namespace Pasid.Tests.Hostile;

/// <summary>Whatever callers and callbacks do: the right answer or exception, nothing changed, a whole host.</summary>
public sealed class HostileCallerTests
{
    public static TheoryData<string, string> Parameters()
    {
        var parameters = new TheoryData<string, string>();
        foreach ((MethodBase method, ParameterInfo parameter) in References())
        {
            parameters.Add(Describe(method), parameter.Name!);
        }

        return parameters;
    }

    [Theory]
    [MemberData(nameof(Parameters))]
    public void Null_where_an_object_is_needed_is_refused_by_name_and_changes_nothing(string member, string parameter)
    {
        MethodBase method = References().First(r => Describe(r.Method) == member && r.Parameter.Name == parameter).Method;
        using var host = new Host(KernelProfile.Seed);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Thread = process.CreateThread("T");
        string before = Everything(host);
        object?[] arguments = [.. method.GetParameters().Select(p => p.Name == parameter ? null : Sample(host, process, p.ParameterType))];
        object? target = method.IsStatic || method is ConstructorInfo ? null : Sample(host, process, method.DeclaringType!);

        Action call = () =>
        {
            try
            {
                _ = method is ConstructorInfo constructor ? constructor.Invoke(arguments) : method.Invoke(target, arguments);
            }
            catch (TargetInvocationException exception)
            {
                throw exception.InnerException!;
            }
        };

        call.Should().Throw<ArgumentNullException>().WithParameterName(parameter);
        Everything(host).Should().Be(before);
    }

    [Fact]
    public void Null_is_tried_everywhere() => Parameters().Should().HaveCountGreaterThan(35);

    public static TheoryData<string, Func<Target, PasidStatus>, PasidStatus> Absurdities() => new()
    {
        { "allocate reversed", h => h.Allocate(new IoasidRange(9, 3)), PasidStatus.NoSpace },
        { "allocate nothing but the invalid id", h => h.Allocate(new IoasidRange(uint.MaxValue, uint.MaxValue)), PasidStatus.NoSpace },
        { "free 0", h => h.Allocator.Free(default), PasidStatus.NotFound },
        { "free invalid", h => h.Allocator.Free(Ioasid.Invalid), PasidStatus.NotFound },
        { "free last", h => h.Allocator.Free(Ioasid.MaxValue), PasidStatus.NotFound },
        { "reference invalid", h => h.Allocator.AddReference(Ioasid.Invalid), PasidStatus.NotFound },
        { "data of invalid", h => h.Allocator.SetData(Ioasid.Invalid, "data"), PasidStatus.NotFound },
        { "look up invalid", h => h.Allocator.Lookup(Ioasid.Invalid, out _), PasidStatus.NotFound },
        { "look up a stranger's", h => h.Allocator.Lookup(new Ioasid(1), new IoasidSet("stranger"), out _), PasidStatus.AccessDenied },
        { "unbind 0", h => h.Binder.UnbindMm(h.Device, default), PasidStatus.NotFound },
        { "unbind invalid", h => h.Binder.UnbindMm(h.Device, Ioasid.Invalid), PasidStatus.NotFound },
        { "unbind another device", h => h.Binder.UnbindMm(h.Other, new Ioasid(1)), PasidStatus.InvalidArgument },
        { "unbind a device without an IOMMU", h => h.Binder.UnbindMm(new SvmDevice("loose", null), new Ioasid(1)), PasidStatus.InvalidArgument },
        { "valid 0", h => h.Binder.IsPasidValid(h.Device, default, out _), PasidStatus.NotFound },
        { "look up PASID 0", h => h.Binder.Lookup(default, out _), PasidStatus.NotFound },
        { "bind what has exited", h => h.Binder.BindMm(h.Device, h.Exited, out _), PasidStatus.InvalidArgument },
    };

    [Theory]
    [MemberData(nameof(Absurdities))]
    public void An_absurd_value_is_a_status_and_changes_nothing(string what, Func<Target, PasidStatus> call, PasidStatus expected)
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);
        AddressSpace exited = host.Process("X");
        exited.Exit();
        string before = Everything(host);

        call(new Target(host.Binder, host.Allocator, host.DeviceA, host.DeviceB, exited)).Should().Be(expected, what);

        Everything(host).Should().Be(before, what);
    }

    [Fact]
    public void Callbacks_that_throw_call_back_and_answer_nonsense_at_random_leave_a_whole_host()
    {
        int rounds = Effort.Rounds(60);
        int thrown = 0;
        for (int seed = 0; seed < rounds; seed++)
        {
            KernelProfile profile = (seed % 3) switch { 0 => KernelProfile.Default, 1 => KernelProfile.Seed, _ => KernelProfile.Linux56 };
            using var host = new Host(profile, pasidLimit: 12);
            var walk = new RandomWalk(host, seed);
            var random = new Random(seed);
            void Misbehave()
            {
                switch (random.Next(40))
                {
                    case 0:
                        throw new TimeoutException();
                    case 1:
                        host.Binder.UnbindMm(host.DeviceA, new Ioasid(1));
                        break;
                    case 2:
                        host.Binder.Dispose();
                        break;
                    case 3:
                        walk.AddressSpaces[0].Exit();
                        break;
                    case 4:
                        // Answers of lookups are asked for, inside a callback, of whatever is there.
                        host.Binder.Lookup(new Ioasid(1), out _);
                        host.Allocator.TryFindLive(default, out _);
                        break;
                }
            }

            host.Iommu0.Inside = _ => Misbehave();
            host.Iommu1.Inside = _ => Misbehave();
            host.InsideObserver = _ => Misbehave();
            for (int step = 0; step < 150; step++)
            {
                host.Iommu0.SetUpStatus = (PasidStatus)(random.Next(30) switch { 0 => 5, 1 => -75, _ => 0 });
                host.Iommu1.EnableStatus = (PasidStatus)(random.Next(30) switch { 0 => int.MaxValue, 1 => int.MinValue, _ => 0 });
                try
                {
                    walk.Go(1);
                }
                catch (TimeoutException)
                {
                    thrown++;
                }
                catch (InvalidOperationException)
                {
                    thrown++;
                }

                host.Binder.CheckIntegrity().Where(finding => finding.Quirk == KernelQuirks.None).Should().BeEmpty($"seed {seed}, step {step}");
            }

            host.Iommu0.Inside = null;
            host.Iommu1.Inside = null;
            host.InsideObserver = null;
        }

        thrown.Should().BeGreaterThan(rounds * 20);
    }

    [Fact]
    public void Predicates_that_throw_are_passed_on_and_those_that_call_back_are_answered()
    {
        var allocator = new IoasidAllocator();
        Ioasid id = allocator.Allocate(IoasidRange.Pasids, data: "data");

        allocator.Invoking(a => a.Lookup(id, null, _ => throw new TimeoutException(), out _)).Should().Throw<TimeoutException>();
        allocator.Lookup(id, null, _ => allocator.Free(id) == PasidStatus.Success, out object? data).Should().Be(PasidStatus.Success);

        data.Should().Be("data", "it was the data at the moment of the lookup");
        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public async Task An_iommu_that_blocks_keeps_no_lookup_and_no_allocation_waiting()
    {
        using var host = new Host();
        AddressSpace bound = host.Process("P");
        host.Bind(host.DeviceA, bound, 1);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        host.Iommu1.Inside = _ =>
        {
            isInside.Set();
            goOn.Wait();
        };
        AddressSpace waiting = host.Process("Q");
        Task<PasidStatus> bind = Task.Run(() => host.Binder.BindMm(host.DeviceFar, waiting, out _));
        isInside.Wait();

        host.Binder.Lookup(new Ioasid(1), out AddressSpace? found).Should().Be(PasidStatus.Success);
        found.Should().BeSameAs(bound);
        host.Binder.IsPasidValid(host.DeviceA, new Ioasid(1), out bool isValid).Should().Be(PasidStatus.Success);
        isValid.Should().BeTrue();
        host.Allocator.Allocate(new IoasidRange(100, 200)).Should().Be(new Ioasid(100));
        host.Allocator.Free(new Ioasid(100)).Should().Be(PasidStatus.Success);
        bind.IsCompleted.Should().BeFalse();

        goOn.Set();
        (await bind).Should().Be(PasidStatus.Success);
        host.Iommu1.Inside = null;
    }

    [Fact]
    public async Task A_custom_allocator_that_blocks_keeps_no_lookup_waiting()
    {
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        SpyFunctions functions = SpyFunctions.Downwards();
        var allocator = new IoasidAllocator();
        allocator.Register(new CustomIoasidAllocator("custom", functions));
        Ioasid id = allocator.Allocate(IoasidRange.Pasids, data: "data");
        functions.InsideAllocate = () =>
        {
            isInside.Set();
            goOn.Wait();
        };
        Task<Ioasid> allocation = Task.Run(() => allocator.Allocate(IoasidRange.Pasids));
        isInside.Wait();

        allocator.Lookup(id, out object? data).Should().Be(PasidStatus.Success);
        data.Should().Be("data");

        goOn.Set();
        (await allocation).Should().NotBe(id);
    }

    /// <summary>Public constructors and methods of classes that do something, with their parameters that must not be null.</summary>
    private static IEnumerable<(MethodBase Method, ParameterInfo Parameter)> References()
    {
        var nullability = new NullabilityInfoContext();
        return
            from type in typeof(IoasidAllocator).Assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal)
            where !type.IsInterface && !type.IsEnum && !type.IsAssignableTo(typeof(Delegate)) && !typeof(Exception).IsAssignableFrom(type) && !IsRecord(type)
            from method in type.GetConstructors().Concat<MethodBase>(type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            where type != typeof(Iommu) || method is ConstructorInfo // An IOMMU that does nothing looks at nothing.
            where !method.Name.StartsWith("set_", StringComparison.Ordinal) && method.Name is not ("Equals" or "CompareTo")
            from parameter in method.GetParameters()
            where !parameter.ParameterType.IsValueType && !parameter.ParameterType.IsByRef && nullability.Create(parameter).WriteState == NullabilityState.NotNull
            select (method, parameter);
    }

    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;

    private static string Describe(MethodBase method) =>
        $"{method.DeclaringType!.Name}.{method.Name}({string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name))})";

    private static object? Sample(Host host, AddressSpace process, Type type)
    {
        if (type.IsByRef)
        {
            return null;
        }

        if (type.IsValueType)
        {
            return Activator.CreateInstance(type);
        }

        object?[] known =
        [
            host.Binder, host.Allocator, process, host.DeviceA, host.Iommu0, new Iommu("own"), "name", new PasidOptions(), KernelProfile.Default, IoasidReusePolicy.Cyclic,
            new SpyFunctions(_ => 1), new CustomIoasidAllocator("custom", new SpyFunctions(_ => 1)), new IoasidSet("owner"),
            host.Binder.CaptureSnapshot(), new MemoryStream(), new AddressRegionMap(), process.Portals, new Responder(), new Portal(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            new Microsoft.Extensions.DependencyInjection.ServiceCollection(), (Action<PasidOptions>)(_ => { }), (Action<IServiceProvider, PasidOptions>)((_, _) => { }),
        ];
        return known.FirstOrDefault(type.IsInstanceOfType)
            ?? (type == typeof(SvmThread) ? host.Thread
                : type == typeof(PageRequestQueue) ? new PageRequestQueue(host.Binder, new Iommu("another"), new Responder())
                : null);
    }

    private static string Everything(Host host)
    {
        using var stream = new MemoryStream();
        host.Binder.CaptureSnapshot().Save(stream);
        return host.State() + System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class Responder : IPageResponder
    {
        public void Respond(in PageResponse response)
        {
        }
    }

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => "portal";

        public bool Submit(in EnqcmdCommand command) => true;
    }

    /// <summary>What an absurd call needs, in a type that a test may show.</summary>
    public sealed record Target(SvmBinder Binder, IoasidAllocator Allocator, SvmDevice Device, SvmDevice Other, AddressSpace Exited)
    {
        public PasidStatus Allocate(IoasidRange range) => Allocator.TryAllocate(range, null, null, out Ioasid id) || id.IsValid ? PasidStatus.Success : PasidStatus.NoSpace;
    }
}
