namespace Pasid.Tests.Support;

/// <summary>Functions of a custom allocator that choose as they are told and note what they are asked.</summary>
internal sealed class SpyFunctions(Func<IoasidRange, uint> choose) : ICustomIoasidFunctions
{
    public List<string> Calls { get; } = [];

    public Action? InsideAllocate { get; set; }

    public Action? InsideFree { get; set; }

    /// <summary>Functions that choose ids downwards from the top of the range, each once.</summary>
    public static SpyFunctions Downwards()
    {
        uint given = 0;
        return new SpyFunctions(range => range.Maximum - given++);
    }

    public Ioasid Allocate(IoasidRange range, object? privateData)
    {
        InsideAllocate?.Invoke();
        uint id = choose(range);
        Calls.Add($"allocate {range} {privateData} -> {id}");
        return new Ioasid(id);
    }

    public void Free(Ioasid id, object? privateData)
    {
        InsideFree?.Invoke();
        Calls.Add($"free {id} {privateData}");
    }
}
