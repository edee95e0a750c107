using Pasid.Tool.Commands;

return PasidCommand.Run(args, Console.Out, Console.Error);
