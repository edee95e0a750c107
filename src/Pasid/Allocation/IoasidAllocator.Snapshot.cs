using Pasid.Internal;

namespace Pasid;

/// <content>The allocator's part of a snapshot, which its binder takes and restores.</content>
public sealed partial class IoasidAllocator
{
    /// <inheritdoc cref="AllocatorAnnex.Join"/>
    internal void Join(PasidHolder holder) => _active.EnsureAnnex().Join(holder);

    /// <inheritdoc cref="AllocatorAnnex.Leave"/>
    internal void Leave(PasidHolder holder) => _active.EnsureAnnex().Leave(holder);

    /// <inheritdoc cref="ActiveTable.CopyLiveIds"/>
    internal List<IoasidTable.LiveId> CopyLiveIds(PasidHolder own, out uint next, out uint[] held) =>
        _active.CopyLiveIds(own, out next, out held);

    /// <inheritdoc cref="ActiveTable.MakeTable"/>
    internal IoasidTable MakeTable(List<IoasidTable.LiveId> ids, uint next, IReadOnlyList<uint> held) =>
        _active.MakeTable(ids, next, held);

    /// <inheritdoc cref="ActiveTable.EnterForReplacement"/>
    internal CustomRegistry EnterForReplacement() => _active.EnterForReplacement();

    /// <inheritdoc cref="ActiveTable.Replace"/>
    internal void ReplaceUnsynchronized(CustomRegistry registry, IoasidTable replacement, PasidHolder own) =>
        _active.Replace(registry, replacement, own);
}
