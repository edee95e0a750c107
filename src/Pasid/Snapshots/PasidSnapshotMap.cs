using System.Runtime.CompilerServices;

namespace Pasid;

/// <summary>
/// Says how the objects of a host are named in a <see cref="PasidSnapshot"/>, and which objects the names stand for when it
/// is restored. Objects are referenced, never copied: what is inside them is the caller's to save.
/// </summary>
/// <remarks>
/// The functions run outside the gates. What they throw is passed on, and nothing has changed then. Not thread-safe;
/// confine it to one thread until it is handed in.
/// </remarks>
public sealed class PasidSnapshotMap
{
    /// <summary>Gets or sets how devices are named.</summary>
    /// <value>By default by <see cref="SvmDevice.Name"/>. Two devices of one host must not have the same name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<SvmDevice, string> NameDevice { get; set => field = NotNull(value); } = static device => device.Name;

    /// <summary>Gets or sets which device a name stands for.</summary>
    /// <value>By default none: needed to restore bindings. <see langword="null"/> for an unknown name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<string, SvmDevice?> FindDevice { get; set => field = NotNull(value); } = static _ => null;

    /// <summary>Gets or sets how address spaces are named.</summary>
    /// <value>By default by <see cref="AddressSpace.Name"/>.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<AddressSpace, string> NameAddressSpace { get; set => field = NotNull(value); } = static addressSpace => addressSpace.Name;

    /// <summary>Gets or sets which address space a name stands for; it is brought into the state of the snapshot.</summary>
    /// <value>By default <see langword="null"/>: a new one is made for each. A function answers an address space of the same binder,
    /// a different one for each, or <see langword="null"/> for a new one.</value>
    public Func<string, AddressSpace?>? FindAddressSpace { get; set; }

    /// <summary>Gets or sets how owners of ids are named.</summary>
    /// <value>By default by <see cref="IoasidSet.Name"/>.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<IoasidSet, string> NameOwner { get; set => field = NotNull(value); } = static owner => owner.Name;

    /// <summary>Gets or sets which owner a name stands for.</summary>
    /// <value>By default <see langword="null"/>: a new one is made for each. A function answers a different one for each, or
    /// <see langword="null"/> for a new one.</value>
    public Func<string, IoasidSet?>? FindOwner { get; set; }

    /// <summary>Gets or sets how callback tables are named.</summary>
    /// <value>By default by <see cref="ISvmDeviceCallbacks.Name"/>. Two tables of one host must not have the same name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<ISvmDeviceCallbacks, string> NameCallbacks { get; set => field = NotNull(value); } = static callbacks => callbacks.Name;

    /// <summary>Gets or sets which callback table a name stands for.</summary>
    /// <value>By default none: needed to restore binds that gave one. <see langword="null"/> for an unknown name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<string, ISvmDeviceCallbacks?> FindCallbacks { get; set => field = NotNull(value); } = static _ => null;

    /// <summary>Gets or sets how the data of ids is named that others than the binder allocated.</summary>
    /// <value>By default not at all, which refuses to capture an id with data. <see langword="null"/> for data that has no name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<object, string?> NameData { get; set => field = NotNull(value); } = static _ => null;

    /// <summary>Gets or sets which data a name stands for.</summary>
    /// <value>By default none. <see langword="null"/> for an unknown name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<string, object?> FindData { get; set => field = NotNull(value); } = static _ => null;

    /// <summary>Gets or sets how portals are named.</summary>
    /// <value>By default by <see cref="IEnqcmdPortal.Name"/>. Two portals of one host must not have the same name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<IEnqcmdPortal, string> NamePortal { get; set => field = NotNull(value); } = static portal => portal.Name;

    /// <summary>Gets or sets which portal a name stands for.</summary>
    /// <value>By default none: needed to restore mapped portals. <see langword="null"/> for an unknown name.</value>
    /// <exception cref="ArgumentNullException">Set to <see langword="null"/>.</exception>
    public Func<string, IEnqcmdPortal?> FindPortal { get; set => field = NotNull(value); } = static _ => null;

    /// <summary>Gets or sets how much memory a snapshot may take that is restored, in bytes.</summary>
    /// <value>At least 1; by default <see cref="PasidSnapshot.DefaultMemoryLimit"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    /// <remarks><see cref="SvmBinder.Restore"/> estimates it before it makes anything, and refuses a snapshot that may take more. The
    /// estimate is never too low, and where much is restored at most about twice what it takes. A lone id costs up to 45 KB, so a
    /// file of a few megabytes can stand for gigabytes.</remarks>
    public long MemoryLimit
    {
        get;
        set
        {
            if (value < 1)
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, $"{nameof(MemoryLimit)} is a number of bytes: give 1 or more.");
            }

            field = value;
        }
    } = PasidSnapshot.DefaultMemoryLimit;

    private static T NotNull<T>(T? value, [CallerMemberName] string property = "")
        where T : class =>
        value ?? throw new ArgumentNullException(nameof(value), $"{property} cannot be null: give a function, or leave the default.");
}
