using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>What an address space has of its bindings, which it knows as notifiers.</summary>
internal static class AddressSpaceBindings
{
    extension(AddressSpace addressSpace)
    {
        /// <summary>Gets the binding that its devices share. Nothing but bindings register with address spaces.</summary>
        public SvmRecord? SharedRecord => Unsafe.As<SvmRecord?>(addressSpace.Shared);

        public SvmRecord? SpareRecord => Unsafe.As<SvmRecord?>(addressSpace.Spare);

        public SvmRecord? NewestRecord => Unsafe.As<SvmRecord?>(addressSpace.NewestNotifier);
    }

    extension(Notifier notifier)
    {
        public SvmRecord? OlderRecord => Unsafe.As<SvmRecord?>(notifier.Older);
    }
}
