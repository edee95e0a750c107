namespace Pasid.Tool.Scenarios;

/// <summary>What a file of binder steps holds.</summary>
internal enum FileFormat
{
    /// <summary>Steps to run, with as many expected answers as its author cared to write.</summary>
    Scenario,

    /// <summary>What the kernel answered to binds and unbinds.</summary>
    Recording,

    /// <summary>What the kernel's thread answered to page requests.</summary>
    PageRequestRecording,
}
