using System.Reflection;
using System.Text;
using Pasid.Internal;

namespace Pasid.Tests.Support;

/// <summary>Snapshots that were taken of no host.</summary>
internal static class SnapshotEdit
{
    /// <summary>The records of the format.</summary>
    public static readonly Type[] Records =
    [
        typeof(SnapshotFile), typeof(IdEntry), typeof(AddressSpaceEntry), typeof(ThreadEntry), typeof(PortalEntry),
        typeof(BindingEntry), typeof(DeviceEntry), typeof(QueueEntry), typeof(RequestEntry),
    ];

    /// <summary>Gets the properties of a record that the current version of the format has.</summary>
    public static IEnumerable<PropertyInfo> PropertiesOf(Type record) =>
        record.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => record.GetConstructors()[0].GetParameters().Any(parameter => parameter.Name == property.Name));

    /// <summary>Gets the key that a property has in a file.</summary>
    public static string KeyOf(PropertyInfo property) => char.ToLowerInvariant(property.Name[0]) + property.Name[1..];

    /// <summary>A host of the default profile with nothing in it.</summary>
    public static readonly SnapshotFile Empty =
        new(PasidSnapshot.CurrentVersion, KernelProfile.Default.Lifetime, KernelProfile.Default.Quirks, 0, 0, [], [], [], [], []);

    public static PasidSnapshot With(this PasidSnapshot snapshot, Func<SnapshotFile, SnapshotFile> change) => new(change(snapshot.File));

    public static Func<PasidSnapshot, PasidSnapshot> Edit(Func<SnapshotFile, SnapshotFile> change) => snapshot => snapshot.With(change);

    public static string Text(PasidSnapshot snapshot)
    {
        using var stream = new MemoryStream();
        snapshot.Save(stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static PasidSnapshot Load(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        return PasidSnapshot.Load(stream);
    }

    public static PasidSnapshot Copy(PasidSnapshot snapshot) => Load(Text(snapshot));

    /// <summary>Fails with the first difference.</summary>
    public static void ShouldEqual(this PasidSnapshot snapshot, PasidSnapshot expected, string because = "")
    {
        PasidSnapshot.FindDifference(snapshot, expected).Should().BeNull(because);
        snapshot.Should().Be(expected, because);
    }
}
