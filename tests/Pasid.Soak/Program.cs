using System.CommandLine;
using System.Globalization;
using Pasid;
using Pasid.Soak;

var minutes = new Option<double>("--soak") { Description = "For how many minutes, shared out among the kernels.", Required = true };
var seed = new Option<int>("--seed") { Description = "Of the choices of the threads.", DefaultValueFactory = _ => 1 };
var command = new RootCommand("Lets threads bind, unbind, exit, look up and take snapshots for a while, and checks everything after each round.") { minutes, seed };
command.SetAction(result =>
{
    (KernelProfile Profile, IoasidReusePolicy Policy)[] hosts =
    [
        (KernelProfile.Default, IoasidReusePolicy.LowestFirst),
        (KernelProfile.Seed, IoasidReusePolicy.LowestFirst),
        (KernelProfile.Linux56, IoasidReusePolicy.LowestFirst),
        (KernelProfile.Default, IoasidReusePolicy.Cyclic),
        (KernelProfile.Default, IoasidReusePolicy.Quarantine(100, QuarantineExhaustion.ReleaseOldest)),
    ];
    TimeSpan share = TimeSpan.FromMinutes(result.GetRequiredValue(minutes) / hosts.Length);
    int failures = 0;
    foreach ((KernelProfile profile, IoasidReusePolicy policy) in hosts)
    {
        using var run = new SoakRun(profile, policy, threads: 4, result.GetValue(seed));
        SoakReport report = run.Run(share);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{profile.Name}, {policy}: {report}"));
        failures += report.Failure is null ? 0 : 1;
    }

    return failures;
});
return command.Parse(args).Invoke();
