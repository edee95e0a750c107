using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Pasid.Tests.Conventions;

public sealed class ImmutabilityTests
{
    public static TheoryData<object?> Immutable() =>
    [
        null, 1, 1.5, 'c', "text", PasidStatus.Busy, typeof(string), new Ioasid(3), KernelProfile.Linux56, IoasidReusePolicy.Quarantine(3),
        Array.Empty<int[]>(), ImmutableArray.Create("a", "b"), ImmutableArray.Create((1, "a")), new Dictionary<string, int> { ["a"] = 1 }.ToFrozenDictionary(),
        (Func<int, int>)(static n => n + 1), new Holder("text"), new Holder(new Holder(null)), new Ring(),
    ];

    public static TheoryData<object?> Changing() =>
    [
        new[] { 1 }, new List<int>(), new Dictionary<int, int>(), new ConditionalWeakTable<object, object>(), new ThreadLocal<int>(), new AsyncLocal<int>(), new StrongBox<int>(1),
        new PasidOptions(), new Holder(new int[1]), new Holder(new Holder(new List<int>())), ImmutableArray.Create<int[]>([new int[1]]), (1, new int[1]), new Derived(), Captures(new int[1]),
        new Dictionary<string, List<int>> { ["a"] = [] }.ToFrozenDictionary(),
    ];

    [Theory]
    [MemberData(nameof(Immutable))]
    public void FindChange_of_what_is_set_once_and_for_all_answers_none(object? value) => Immutability.FindChange(value).Should().BeNull();

    [Theory]
    [MemberData(nameof(Changing))]
    public void FindChange_of_what_somebody_could_set_names_it(object? value) => Immutability.FindChange(value).Should().NotBeNull();

    private static Func<int> Captures(int[] numbers) => () => numbers[0];

    private sealed class Holder(object? content)
    {
        public object? Content { get; } = content;
    }

    private sealed class Ring
    {
        private readonly Ring _self;

        public Ring() => _self = this;

        public Ring Self => _self;
    }

    private class Base
    {
        public int Number { get; set; }
    }

    private sealed class Derived : Base;
}
