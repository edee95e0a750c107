using BenchmarkDotNet.Running;
using Pasid.Benchmarks.Gates;
using Pasid.Benchmarks.Ratios;

switch (args)
{
    case ["ratios", .. string[] names]:
        return RatioCommand.Run(names);
    case ["gates"]:
        return GateCommand.Run();
    default:
        BenchmarkSwitcher.FromAssembly(typeof(RatioCommand).Assembly).Run(args);
        return 0;
}
