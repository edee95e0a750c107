using System.Reflection;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Hostile;

/// <summary>A value that its enum does not define is refused, in words that say what would be right, and changes nothing.</summary>
public sealed class UndefinedValueTests
{
    private const int Undefined = 1 << 20;

    /// <summary>What the library makes and never takes: nobody can hand it a wrong one.</summary>
    private static readonly Type[] s_made = [typeof(PageResponse), typeof(EnqcmdResult), typeof(SvmBindingInfo), typeof(IntegrityFinding)];

    /// <summary>Where data that carries enums is handed in.</summary>
    private static readonly Dictionary<Type, (Func<Host, object> Make, Action<Host, object> Take)> s_taken = new()
    {
        [typeof(KernelProfile)] = (_ => new KernelProfile("own", PasidLifetime.Binding, KernelQuirks.None), (_, p) => new SvmBinder(new PasidOptions { Profile = (KernelProfile)p }).Dispose()),
        [typeof(AddressRegion)] = (_ => new AddressRegion(0, 1, PageRequestRights.Read), (_, r) => new AddressRegionMap().Add((AddressRegion)r)),
        [typeof(PageRequest)] = (h => new PageRequest { Device = h.DeviceA }, (h, r) => TryEnqueue(h, (PageRequest)r)),
        [typeof(SnapshotFile)] = (h => h.Binder.CaptureSnapshot().File, (h, f) => h.Binder.Restore(new PasidSnapshot((SnapshotFile)f), Map(h))),
        [typeof(BindingEntry)] = (h => h.Binder.CaptureSnapshot().File.Bindings[0], (h, b) => h.Binder.Restore(h.Binder.CaptureSnapshot().With(file => file with { Bindings = [(BindingEntry)b] }), Map(h))),
        [typeof(RequestEntry)] = (_ => new RequestEntry("devA"), (h, r) => RestoreRequest(h, (RequestEntry)r)),
    };

    public static TheoryData<string, string> Parameters()
    {
        var parameters = new TheoryData<string, string>();
        foreach ((MethodBase method, ParameterInfo parameter) in EnumParameters())
        {
            parameters.Add(Describe(method), parameter.Name!);
        }

        return parameters;
    }

    public static TheoryData<Type, string> Properties()
    {
        var properties = new TheoryData<Type, string>();
        foreach (PropertyInfo property in typeof(IoasidAllocator).Assembly.GetExportedTypes()
            .Concat(SnapshotEdit.Records)
            .Where(type => !type.IsInterface)
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(property => IsEnum(property.PropertyType) && property.SetMethod is { IsPublic: true } && !s_made.Contains(property.DeclaringType)))
        {
            properties.Add(property.DeclaringType!, property.Name);
        }

        return properties;
    }

    [Theory]
    [MemberData(nameof(Parameters))]
    public void An_argument_that_is_not_defined_is_refused_by_name_and_changes_nothing(string member, string parameter)
    {
        MethodBase method = EnumParameters().First(p => Describe(p.Method) == member && p.Parameter.Name == parameter).Method;
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Thread = process.CreateThread("T");
        string before = host.State();

        Action call = () => Call(host, process, method, parameter);

        call.Should().Throw<ArgumentOutOfRangeException>().WithParameterName(parameter)
            .Which.Message.Should().MatchRegex("(?i)(give a value of|combine members of) \\w+");
        host.State().Should().Be(before);
    }

    [Theory]
    [MemberData(nameof(Properties))]
    public void Data_with_a_value_that_is_not_defined_is_refused_where_it_is_handed_in(Type type, string property)
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);
        s_taken.Should().ContainKey(type, "say where it is handed in");
        (Func<Host, object> make, Action<Host, object> take) = s_taken[type];
        take(host, make(host));
        string before = host.State();
        object data = make(host);
        PropertyInfo member = type.GetProperty(property)!;
        member.SetValue(data, Enum.ToObject(member.PropertyType, Undefined));

        Exception? thrown = Record.Exception(() => take(host, data));

        thrown.Should().Match(e => e is ArgumentException || e is FormatException);
        host.State().Should().Be(before);
    }

    [Fact]
    public void Undefined_values_are_tried_everywhere()
    {
        Parameters().Should().HaveCountGreaterThan(7);
        Properties().Should().HaveCountGreaterThan(6);
    }

    [Fact]
    public void All_quirks_are_those_that_are_defined() =>
        KernelProfile.AllQuirks.Should().Be(Enum.GetValues<KernelQuirks>().Aggregate((all, quirk) => all | quirk));

    public static TheoryData<string> MapFunctions()
    {
        var nullability = new NullabilityInfoContext();
        return [.. typeof(PasidSnapshotMap).GetProperties().Where(p => !p.PropertyType.IsValueType && nullability.Create(p).WriteState == NullabilityState.NotNull).Select(p => p.Name)];
    }

    [Theory]
    [MemberData(nameof(MapFunctions))]
    public void A_function_of_a_snapshot_map_that_is_null_is_refused_where_it_is_set(string name)
    {
        var map = new PasidSnapshotMap();
        PropertyInfo property = typeof(PasidSnapshotMap).GetProperty(name)!;
        object before = property.GetValue(map)!;

        property.Invoking(p => p.SetValue(map, null))
            .Should().Throw<TargetInvocationException>().WithInnerException<ArgumentNullException>()
            .WithParameterName("value").WithMessage($"{name} cannot be null: give a function*");

        property.GetValue(map).Should().BeSameAs(before);
    }

    [Fact]
    public void Functions_of_a_snapshot_map_are_tried() => MapFunctions().Should().HaveCount(10);

    [Fact]
    public void Options_with_a_profile_that_makes_no_sense_name_all_that_is_wrong_in_one_message() =>
        FluentActions.Invoking(() => new SvmBinder(new PasidOptions { Profile = new KernelProfile(null!, (PasidLifetime)7, (KernelQuirks)0x5000_0001), AddressWidth = 49 }))
            .Should().Throw<ArgumentException>().WithParameterName("options")
            .WithMessage("*Profile.Name is null: give *Profile.Lifetime is 7: give a value of PasidLifetime.*Profile.Quirks has the undefined bits 0x50000000: combine members of KernelQuirks.*AddressWidth is 49*");

    private static bool IsEnum(Type type) => type.IsEnum && type.Assembly == typeof(IoasidAllocator).Assembly;

    /// <summary>Parameters of what does something; data is tried by its properties.</summary>
    private static IEnumerable<(MethodBase Method, ParameterInfo Parameter)> EnumParameters() =>
        from type in typeof(IoasidAllocator).Assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal)
        where !type.IsInterface && !type.IsEnum
        let isData = type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null
        from method in (isData ? [] : type.GetConstructors()).Concat<MethodBase>(type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
        where !(isData && method.Name.StartsWith("set_", StringComparison.Ordinal))
        from parameter in method.GetParameters()
        where IsEnum(parameter.ParameterType)
        select (method, parameter);

    private static void Call(Host host, AddressSpace process, MethodBase method, string parameter)
    {
        // Reflection cannot hand in a span.
        switch (method.Name)
        {
            case nameof(SvmThread.Enqcmd):
                host.Thread!.Enqcmd(0, new byte[64], (CpuPrivilege)Undefined);
                return;
            case nameof(SvmThread.Enqcmds):
                host.Thread!.Enqcmds(0, new byte[64], (CpuPrivilege)Undefined);
                return;
            case nameof(SvmThread.Clone):
                host.Thread!.Clone("name", (CloneFlags)Undefined);
                return;
        }

        object?[] arguments = [.. method.GetParameters().Select(p => p.Name == parameter ? Enum.ToObject(p.ParameterType, Undefined) : Sample(host, process, p.ParameterType))];
        try
        {
            _ = method is ConstructorInfo constructor ? constructor.Invoke(arguments) : method.Invoke(method.IsStatic ? null : Sample(host, process, method.DeclaringType!), arguments);
        }
        catch (TargetInvocationException exception)
        {
            throw exception.InnerException!;
        }
    }

    private static object? Sample(Host host, AddressSpace process, Type type)
    {
        object[] known = [host.Binder, process, host.DeviceA, "name", KernelProfile.Default, new AddressRegionMap(), 1];
        return known.FirstOrDefault(type.IsInstanceOfType) ?? (type is { IsByRef: false, IsValueType: true } ? Activator.CreateInstance(type) : null);
    }

    private static void TryEnqueue(Host host, PageRequest request)
    {
        using var requests = new HostRequests(host);
        requests.Queue.TryEnqueue(request);
    }

    private static void RestoreRequest(Host host, RequestEntry request)
    {
        using var requests = new HostRequests(host);
        host.Binder.Restore(host.Binder.CaptureSnapshot().With(file => file with { Queues = [new QueueEntry([request], false)] }), Map(host));
    }

    private static PasidSnapshotMap Map(Host host) => new() { FindDevice = _ => host.DeviceA };

    private static string Describe(MethodBase method) =>
        $"{method.DeclaringType!.Name}.{method.Name}({string.Join(", ", method.GetParameters().Select(p => p.ParameterType.Name))})";
}
