using BenchmarkDotNet.Running;
using Pasid.Benchmarks.Ratios;

if (args is ["ratios", .. string[] names])
{
    return RatioCommand.Run(names);
}

BenchmarkSwitcher.FromAssembly(typeof(RatioCommand).Assembly).Run(args);
return 0;
