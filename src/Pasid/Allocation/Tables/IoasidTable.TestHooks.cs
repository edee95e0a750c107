using System.Diagnostics.CodeAnalysis;

namespace Pasid.Internal;

internal partial struct SlotPages
{
    internal readonly Slot[] FirstPage => _firstPage;

    internal readonly FarPages? Far => _farPages;
}

internal sealed partial class FarPages
{
    internal Slot[]?[]?[]?[]? Top => _top;
}

internal partial struct IdMap
{
    [UnscopedRef]
    internal ref ulong Root => ref _root;

    [UnscopedRef]
    internal ref ulong FirstMiddle => ref _firstMiddle;

    internal readonly ulong[]? Leaves => _leaves;

#if DEBUG
    internal readonly long TouchedWords => _touchedWords + (_furtherIds?.TouchedWords ?? 0);

    partial void Touch(int words) => _touchedWords += words;
#endif
}

internal sealed partial class FurtherIds
{
    internal IdBitmap?[]?[] Rows => _rows;

#if DEBUG
    private long _touchedWords;

    internal long TouchedWords => _touchedWords + _rows.Sum(row => row?.Sum(block => block?.TouchedWords) ?? 0);

    partial void Touch(int words) => _touchedWords += words;
#endif
}

internal sealed partial class IdBitmap
{
    internal ref ulong Root => ref _root;

    internal ref int FirstLeaf => ref _firstLeaf;

    internal ulong[] Middles => _middles;

    internal ulong[] Leaves => _leaves;

#if DEBUG
    internal long TouchedWords { get; private set; }

    partial void Touch(int words) => TouchedWords += words;
#endif
}
