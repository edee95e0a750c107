namespace Pasid.Internal;

/// <summary>
/// Goes over the bytes of a snapshot before the deserializer does, in pieces of any length: weighs the objects that they will be made
/// into, so that a small file does not become a large heap, and finds keys that an object has twice, of which the deserializer of some
/// versions of .NET takes the last. What is no JSON it leaves to the deserializer.
/// </summary>
internal sealed class SnapshotGuard(long memoryLimit)
{
    /// <summary>The largest object with its header.</summary>
    private const int ObjectWeight = 96;

    /// <summary>An entry of a list, whose array is copied to one of twice the length when it is full.</summary>
    private const int ItemWeight = 24;

    /// <summary>A list with its first array.</summary>
    private const int ListWeight = 88;

    /// <summary>A string without its characters.</summary>
    private const int TextWeight = 24;

    /// <summary>A byte of text is at most one character.</summary>
    private const int CharacterWeight = 2;

    /// <summary>A byte of text, a number or a literal, which the deserializer has in one piece: a buffer grows to twice its length, and
    /// the one before it is still there.</summary>
    private const int BufferWeight = 4;

    /// <summary>The deserializer goes no deeper.</summary>
    private const int MaxDepth = 64;

    /// <summary>The keys of each open object so far, one bit each.</summary>
    private readonly ulong[] _keys = new ulong[MaxDepth + 1];

    private readonly byte[] _text = new byte[SnapshotKeys.MaxLength];
    private long _weight;
    private long _textLength;
    private long _tokenLength;
    private long _longest;
    private int _depth;
    private bool _isText;
    private bool _isEscaped;
    private bool _hasEscapes;
    private bool _wasText;

    /// <summary>Gets the keys of all objects so far, one bit each.</summary>
    public ulong Keys { get; private set; }

    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[(_isText ? ReadText(bytes) : ReadStructure(bytes))..];
        }
    }

    private int ReadText(ReadOnlySpan<byte> bytes)
    {
        if (_isEscaped)
        {
            _isEscaped = false;
            Append(bytes[..1]);
            return 1;
        }

        int end = bytes.IndexOfAny((byte)'"', (byte)'\\');
        if (end < 0)
        {
            Append(bytes);
            return bytes.Length;
        }

        _isText = bytes[end] != '"';
        _wasText = !_isText;
        _isEscaped = _isText;
        _hasEscapes |= _isText;
        Append(bytes[..(_isText ? end + 1 : end)]);
        return end + 1;
    }

    private int ReadStructure(ReadOnlySpan<byte> bytes)
    {
        int i = 0;
        while (i < bytes.Length && !_isText)
        {
            switch (bytes[i++])
            {
                case (byte)'"':
                    Add(TextWeight);
                    _isText = true;
                    _hasEscapes = false;
                    _textLength = 0;
                    break;
                case (byte)':' when _wasText:
                    EndKey();
                    break;
                case (byte)'{':
                    Add(ObjectWeight);
                    _depth++;
                    if (_depth <= MaxDepth)
                    {
                        _keys[_depth] = 0;
                    }

                    break;
                case (byte)'}':
                    _depth = Math.Max(_depth - 1, 0);
                    break;
                case (byte)'[':
                    Add(ListWeight);
                    break;
                case (byte)',':
                    Add(ItemWeight);
                    break;
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    _tokenLength = 0;
                    continue;
                case (byte)']' or (byte)':':
                    break;
                default:
                    _longest = Math.Max(_longest, ++_tokenLength);
                    Add(0);
                    continue;
            }

            _tokenLength = 0;
            _wasText = false;
        }

        return i;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_textLength < _text.Length)
        {
            ReadOnlySpan<byte> kept = bytes[..Math.Min(bytes.Length, _text.Length - (int)_textLength)];
            kept.CopyTo(_text.AsSpan((int)_textLength));
        }

        _textLength += bytes.Length;
        _longest = Math.Max(_longest, _textLength);
        Add(CharacterWeight * (long)bytes.Length);
    }

    /// <summary>What was read last was a key, and is made into no string.</summary>
    private void EndKey()
    {
        if (_textLength > _text.Length)
        {
            // The deserializer would quote all of it.
            throw new FormatException($"This is no snapshot of a host: it has a key of {_textLength} bytes, and the longest that there is takes {_text.Length}.");
        }

        _weight -= TextWeight + (CharacterWeight * _textLength);
        int key = SnapshotKeys.Find(_text.AsSpan(0, (int)_textLength), _hasEscapes);
        if (key < 0 || _depth > MaxDepth)
        {
            return;
        }

        ulong bit = 1ul << key;
        if ((_keys[_depth] & bit) != 0)
        {
            throw new FormatException($"This is no snapshot of a host: an object has the key '{SnapshotKeys.Get(key)}' twice, and each key is there once.");
        }

        _keys[_depth] |= bit;
        Keys |= bit;
    }

    private void Add(long weight)
    {
        _weight += weight;
        if (_weight + (BufferWeight * _longest) > memoryLimit)
        {
            throw new FormatException(
                $"The objects of this snapshot would take more than {memoryLimit} bytes: give {nameof(PasidSnapshot)}.{nameof(PasidSnapshot.Load)} a larger memoryLimit if it is to be loaded all the same.");
        }
    }
}
