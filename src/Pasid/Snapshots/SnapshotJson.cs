using System.Text.Json.Serialization;

namespace Pasid.Internal;

/// <summary>How snapshots are written; generated, so that trimmed and compiled programs have it too.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(SnapshotFile))]
internal sealed partial class SnapshotJson : JsonSerializerContext;
