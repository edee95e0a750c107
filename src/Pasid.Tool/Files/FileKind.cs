namespace Pasid.Tool.Files;

/// <summary>What a path leads to.</summary>
internal enum FileKind
{
    /// <summary>Nothing that can be asked; to open it says why.</summary>
    Unknown = 0,
    File,
    Folder,
    Link,
    NamedPipe,
    Socket,
    Device,
}
