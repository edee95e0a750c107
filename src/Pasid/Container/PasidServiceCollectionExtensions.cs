using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <summary>Registers hosts with a container.</summary>
/// <remarks>
/// <para>A host is an <see cref="IIoasidAllocator"/>, an <see cref="SvmBinder"/> over it, an <see cref="IIommu"/> and an
/// <see cref="IPageRequestQueue"/> of that IOMMU, each a singleton that is made when it is first asked for; <see cref="ISvmBinder"/> stands for the same
/// binder. What is registered already stays: to put one's own <see cref="IIoasidAllocator"/> or <see cref="IIommu"/> in, register it
/// before. Nothing else is registered.</para>
/// <para>To decorate the binder, register an <see cref="ISvmBinder"/> that is made over the <see cref="SvmBinder"/> of the container. The
/// queue, snapshots and integrity go by the <see cref="SvmBinder"/>, whatever decorates it.</para>
/// <para>The queue gives its answers to the <see cref="IPageResponder"/> of the container; where there is none, they only show in the
/// statistics.</para>
/// <para>Loggers come from the container's <see cref="ILoggerFactory"/> if it has one; what they throw is not passed on. The meter <c>Pasid</c> is made like
/// one of its <see cref="IMeterFactory"/> and with it for scope, and stays until all binders are disposed and nobody listens: whoever
/// collects after the container was disposed gets the last figures. Without a factory it is made and disposed with the binder.</para>
/// <para>Disposing the container disposes the binder, which frees every PASID that it holds.</para>
/// <para>All members are as safe for concurrent use as the collection that they are given: not at all.</para>
/// </remarks>
public static class PasidServiceCollectionExtensions
{
    private const string DefaultIommuName = "iommu0";

    /// <summary>Registers a host with the default settings.</summary>
    /// <param name="services">The collection.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is <see langword="null"/>.</exception>
    /// <remarks>A second call does nothing.</remarks>
    /// <example>
    /// <code>
    /// services.AddPasid();
    /// // later, from the provider
    /// ISvmBinder binder = provider.GetRequiredService&lt;ISvmBinder&gt;();
    /// </code>
    /// </example>
    public static IServiceCollection AddPasid(this IServiceCollection services) =>
        services.AddPasid(static (_, _) => { });

    /// <summary>Registers a host.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="configure">Sets the options; called when the binder is made.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <remarks>A second call does nothing. Options that make no sense throw <see cref="ArgumentException"/> when the binder is
    /// asked for, all of them named.</remarks>
    public static IServiceCollection AddPasid(this IServiceCollection services, Action<PasidOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddPasid((_, options) => configure(options));
    }

    /// <summary>Registers a host whose settings come from other services.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="configure">Sets the options; called when the binder is made.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <remarks>A second call does nothing. Options that make no sense throw <see cref="ArgumentException"/> when the binder is
    /// asked for, all of them named.</remarks>
    public static IServiceCollection AddPasid(this IServiceCollection services, Action<IServiceProvider, PasidOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddHost(serviceKey: null, configure);
    }

    /// <summary>Registers one host of several, under a key, with the default settings.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">The key of the host's services; its string is the host's name in logs and metrics.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException">The string of <paramref name="serviceKey"/> has half of a surrogate pair.</exception>
    /// <remarks>A second call with the same key does nothing. A host has an allocator of its own; its <see cref="IIommu"/> is the one
    /// registered under the key, else the one registered without a key, else a new one. The container disposes what it hands
    /// out under the key.</remarks>
    /// <example>
    /// <code>
    /// services.AddKeyedPasid("north");
    /// services.AddKeyedPasid("south", options => options.Profile = KernelProfile.Linux56);
    /// // later, from the provider
    /// ISvmBinder north = provider.GetRequiredKeyedService&lt;ISvmBinder&gt;("north");
    /// </code>
    /// </example>
    public static IServiceCollection AddKeyedPasid(this IServiceCollection services, object serviceKey) =>
        services.AddKeyedPasid(serviceKey, static (_, _) => { });

    /// <summary>Registers one host of several, under a key.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">The key of the host's services; its string is the host's name in logs and metrics.</param>
    /// <param name="configure">Sets the options; called when the binder is made.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException">The string of <paramref name="serviceKey"/> has half of a surrogate pair.</exception>
    /// <remarks>As <see cref="AddKeyedPasid(IServiceCollection, object)"/>.</remarks>
    public static IServiceCollection AddKeyedPasid(this IServiceCollection services, object serviceKey, Action<PasidOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddKeyedPasid(serviceKey, (_, options) => configure(options));
    }

    /// <summary>Registers one host of several, under a key, whose settings come from other services.</summary>
    /// <param name="services">The collection.</param>
    /// <param name="serviceKey">The key of the host's services; its string is the host's name in logs and metrics.</param>
    /// <param name="configure">Sets the options; called when the binder is made.</param>
    /// <returns><paramref name="services"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException">The string of <paramref name="serviceKey"/> has half of a surrogate pair.</exception>
    /// <remarks>As <see cref="AddKeyedPasid(IServiceCollection, object)"/>.</remarks>
    public static IServiceCollection AddKeyedPasid(this IServiceCollection services, object serviceKey, Action<IServiceProvider, PasidOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(serviceKey);
        ArgumentNullException.ThrowIfNull(configure);
        Names.Check(HostName(serviceKey), nameof(serviceKey));
        return services.AddHost(serviceKey, configure);
    }

    /// <summary>Registers a host under a key, or without one.</summary>
    private static IServiceCollection AddHost(this IServiceCollection services, object? serviceKey, Action<IServiceProvider, PasidOptions> configure)
    {
        services.TryAddKeyedSingleton<IIommu>(serviceKey, static (provider, key) => (key is null ? null : provider.GetService<IIommu>()) ?? new Iommu(HostName(key) ?? DefaultIommuName));
        services.TryAddKeyedSingleton<IIoasidAllocator>(serviceKey, static (provider, key) =>
            provider.GetService<ILoggerFactory>() is { } loggerFactory ? new IoasidAllocator(loggerFactory, HostName(key)) : new IoasidAllocator());
        services.TryAddKeyedSingleton(serviceKey, (provider, key) =>
        {
            var options = new PasidOptions { HostName = HostName(key) };
            configure(provider, options);
#pragma warning disable CA2000 // It has nothing to dispose.
            var meterFactory = LastingMeterFactory.Of(provider.GetService<IMeterFactory>());
#pragma warning restore CA2000
            return new SvmBinder(Get<IIoasidAllocator>(provider, key), options, provider.GetService<ILoggerFactory>(), meterFactory, isMeasured: true);
        });
        services.TryAddKeyedSingleton<ISvmBinder>(serviceKey, Get<SvmBinder>);
        services.TryAddKeyedSingleton<IPageRequestQueue>(serviceKey, static (provider, key) =>
            new PageRequestQueue(
                Get<ISvmBinder>(provider, key) as SvmBinder ?? Get<SvmBinder>(provider, key),
                Get<IIommu>(provider, key),
                (key is null ? null : provider.GetKeyedService<IPageResponder>(key)) ?? provider.GetService<IPageResponder>() ?? new NoPageResponder(),
                loggerFactory: provider.GetService<ILoggerFactory>()));
        return services;
    }

    /// <summary>Asks for a service, without a key of those who may know of none.</summary>
    private static T Get<T>(IServiceProvider provider, object? key)
        where T : notnull =>
        key is null ? provider.GetRequiredService<T>() : provider.GetRequiredKeyedService<T>(key);

    private static string? HostName(object? key) => key is null ? null : key.ToString() ?? string.Empty;

    private sealed class NoPageResponder : IPageResponder
    {
        public void Respond(in PageResponse response)
        {
        }
    }
}
