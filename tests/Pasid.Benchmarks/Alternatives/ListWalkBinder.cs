namespace Pasid.Benchmarks.Alternatives;

/// <summary>A binder as the kernel has it: one list of all bindings, walked under one mutex by each bind.</summary>
internal sealed class ListWalkBinder(IIoasidAllocator allocator)
{
    private readonly Lock _mutex = new();
    private readonly LinkedList<Binding> _bindings = new();

    public Ioasid Bind(SvmDevice device, object addressSpace)
    {
        lock (_mutex)
        {
            for (LinkedListNode<Binding>? node = _bindings.First; node is not null; node = node.Next)
            {
                if (ReferenceEquals(node.Value.AddressSpace, addressSpace))
                {
                    node.Value.Devices.Add(device);
                    return node.Value.Pasid;
                }
            }

            var binding = new Binding(addressSpace);
            allocator.TryAllocate(IoasidRange.Pasids, null, binding, out Ioasid pasid);
            binding.Pasid = pasid;
            binding.Devices.Add(device);
            binding.Node = _bindings.AddLast(binding);
            return pasid;
        }
    }

    public void Unbind(SvmDevice device, Ioasid pasid)
    {
        lock (_mutex)
        {
            allocator.Lookup(pasid, out object? data);
            var binding = (Binding)data!;
            binding.Devices.Remove(device);
            if (binding.Devices.Count == 0)
            {
                allocator.Free(pasid);
                _bindings.Remove(binding.Node!);
            }
        }
    }

    private sealed class Binding(object addressSpace)
    {
        public object AddressSpace { get; } = addressSpace;

        public Ioasid Pasid { get; set; }

        public List<SvmDevice> Devices { get; } = new(1);

        public LinkedListNode<Binding>? Node { get; set; }
    }
}
