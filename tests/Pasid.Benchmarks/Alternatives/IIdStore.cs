namespace Pasid.Benchmarks.Alternatives;

/// <summary>What is asked of the library and of what a .NET user would write instead. Implemented by structs, so that the
/// measured loops are compiled for each without a call in between.</summary>
internal interface IIdStore
{
    /// <summary>Takes the next id, with data and owner.</summary>
    uint Allocate(object owner, object data);

    void Free(uint id);

    /// <summary>Finds the data of an id that has this owner.</summary>
    object? Find(uint id, object owner);
}
