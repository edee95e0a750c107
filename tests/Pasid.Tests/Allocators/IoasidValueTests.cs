using System.Globalization;

namespace Pasid.Tests.Allocators;

public sealed class IoasidValueTests
{
    [Fact]
    public void Default_id_is_zero_and_valid()
    {
        default(Ioasid).Should().Be(new Ioasid(0));
        default(Ioasid).IsValid.Should().BeTrue();
    }

    [Fact]
    public void Invalid_is_the_highest_number_and_the_only_one_that_is_not_valid()
    {
        Ioasid.Invalid.Value.Should().Be(4_294_967_295);
        Ioasid.Invalid.IsValid.Should().BeFalse();
        Ioasid.MaxValue.Value.Should().Be(4_294_967_294);
        Ioasid.MaxValue.IsValid.Should().BeTrue();
    }

    [Fact]
    public void Ids_compare_by_number()
    {
        var low = new Ioasid(1);
        var high = new Ioasid(3_000_000_000);

        (low < high).Should().BeTrue();
        (low <= high).Should().BeTrue();
        (low > high).Should().BeFalse();
        (low >= high).Should().BeFalse();
        low.CompareTo(high).Should().BeNegative();
        low.CompareTo(low).Should().Be(0);
    }

    [Fact]
    public void Ids_format_as_numbers_whatever_the_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            odd.NumberFormat.NumberGroupSeparator = "_";
            CultureInfo.CurrentCulture = odd;

            new Ioasid(1_048_575).ToString().Should().Be("1048575");
            new Ioasid(1_048_575).ToString("N0", null).Should().Be("1,048,575");
            new Ioasid(1_048_575).ToString("N0", odd).Should().Be("1_048_575");
            new Ioasid(255).ToString("X5", null).Should().Be("000FF");
            Span<char> buffer = stackalloc char[4];
            new Ioasid(255).TryFormat(buffer, out int written, "X", null).Should().BeTrue();
            buffer[..written].ToString().Should().Be("FF");
            new Ioasid(12345).TryFormat(buffer, out _, default, null).Should().BeFalse();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Ranges_contain_both_ends_and_never_the_invalid_number()
    {
        var range = new IoasidRange(3, 5);

        range.Contains(new Ioasid(2)).Should().BeFalse();
        range.Contains(new Ioasid(3)).Should().BeTrue();
        range.Contains(new Ioasid(5)).Should().BeTrue();
        range.Contains(new Ioasid(6)).Should().BeFalse();
        new IoasidRange(0, uint.MaxValue).Contains(Ioasid.Invalid).Should().BeFalse();
        range.ToString().Should().Be("3..5");
    }

    [Theory]
    [InlineData(5u, 3u, true)]
    [InlineData(uint.MaxValue, uint.MaxValue, true)]
    [InlineData(3u, 3u, false)]
    [InlineData(0u, uint.MaxValue, false)]
    public void A_range_is_empty_if_no_id_could_come_from_it(uint minimum, uint maximum, bool isEmpty) =>
        new IoasidRange(minimum, maximum).IsEmpty.Should().Be(isEmpty);

    [Fact]
    public void The_ranges_with_names_have_their_ends()
    {
        IoasidRange.All.Should().Be(new IoasidRange(0, 4_294_967_294));
        IoasidRange.Pasids.Should().Be(new IoasidRange(1, 1_048_575));
        default(IoasidRange).Should().Be(new IoasidRange(0, 0));
    }

    [Fact]
    public void Sets_are_identities_with_a_name()
    {
        var one = new IoasidSet("same");
        var two = new IoasidSet("same");

        one.Should().NotBe(two);
        one.ToString().Should().Be("same");
        Action unnamed = () => _ = new IoasidSet(null!);
        unnamed.Should().Throw<ArgumentNullException>().WithParameterName("name");
    }

    [Theory]
    [InlineData(PasidStatus.Success, 0)]
    [InlineData(PasidStatus.NotFound, -2)]
    [InlineData(PasidStatus.TryAgain, -11)]
    [InlineData(PasidStatus.OutOfMemory, -12)]
    [InlineData(PasidStatus.AccessDenied, -13)]
    [InlineData(PasidStatus.Busy, -16)]
    [InlineData(PasidStatus.AlreadyExists, -17)]
    [InlineData(PasidStatus.InvalidArgument, -22)]
    [InlineData(PasidStatus.NoSpace, -28)]
    [InlineData(PasidStatus.Overflow, -75)]
    [InlineData(PasidStatus.OperationNotSupported, -95)]
    [InlineData(PasidStatus.NotSupported, -524)]
    public void Statuses_are_the_kernels_numbers(PasidStatus status, int value) => ((int)status).Should().Be(value);

    [Fact]
    public void PasidException_carries_its_status_and_has_the_usual_constructors()
    {
        new PasidException(PasidStatus.Busy, "message").Status.Should().Be(PasidStatus.Busy);
        new PasidException().Status.Should().Be(PasidStatus.InvalidArgument);
        new PasidException("message").Message.Should().Be("message");
        var inner = new TimeoutException();
        new PasidException("message", inner).InnerException.Should().BeSameAs(inner);
    }
}
