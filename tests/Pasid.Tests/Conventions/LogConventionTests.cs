using System.Reflection;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid.Tests.Conventions;

public sealed class LogConventionTests
{
    private static readonly LoggerMessageAttribute[] s_messages =
        [.. typeof(EventIds).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .SelectMany(method => method.GetCustomAttributes<LoggerMessageAttribute>())];

    private static readonly FieldInfo[] s_ids = typeof(EventIds).GetFields();

    [Fact]
    public void Every_event_has_an_id_of_its_own() =>
        s_messages.Select(message => message.EventId).Should().OnlyHaveUniqueItems().And.HaveCount(s_ids.Length);

    [Fact]
    public void Every_event_is_called_what_its_id_is_called() =>
        s_messages.ToDictionary(message => message.EventName!, message => message.EventId)
            .Should().BeEquivalentTo(s_ids.ToDictionary(field => field.Name, field => (int)field.GetRawConstantValue()!));

    [Fact]
    public void Every_event_is_in_a_band() =>
        s_messages.Should().OnlyContain(message => Bands().Any(band => message.EventId >= band && message.EventId < band + 100));

    [Fact]
    public void Every_message_is_a_sentence() =>
        s_messages.Should().OnlyContain(message => message.Message.EndsWith('.') || message.Message.EndsWith('}'));

    private static int[] Bands() => [1000, 1100, 2000, 2100, 3000, 4000, 5000, 5100];
}
