namespace Pasid;

/// <summary>The settings of a <see cref="PageRequestQueue"/>, read when it is made.</summary>
/// <remarks>Not safe for concurrent use while it is changed.</remarks>
public sealed class PageRequestQueueOptions
{
    /// <summary>How many descriptors a queue has by default: one page of 32 bytes each.</summary>
    public const int DefaultCapacity = 128;

    /// <summary>Gets or sets how many descriptors the queue has; it takes one less.</summary>
    /// <value>A power of two, 2 to 1048576; by default <see cref="DefaultCapacity"/>.</value>
    public int Capacity { get; set; } = DefaultCapacity;

    /// <summary>Gets or sets a value indicating whether the IOMMU does itself what real hardware does before a request reaches the
    /// queue: it answers <see cref="PageResponseCode.InvalidRequest"/> where the device has no PASID entry, answers
    /// <see cref="PageResponseCode.Success"/> what it loses because the queue is full, and drops stop markers.</summary>
    /// <value>By default <see langword="true"/>. Without it every request is put into the queue if there is room, so that the kernel's thread
    /// is seen alone; an unbind then waits as long as requests of its PASID keep coming, as in the kernel.</value>
    public bool HardwareAnswers { get; set; } = true;

    /// <summary>Gets or sets who is told of each step of the answering.</summary>
    /// <value>By default <see langword="null"/>, nobody.</value>
    public IPageRequestObserver? Observer { get; set; }
}
