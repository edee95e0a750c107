using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Pasid.Tests.Architecture;

/// <summary>
/// Which types of an assembly name which others, in signatures and in bodies, and the files that each was written in.
/// What a compiler makes of a member counts as the type that the member stands in. Attributes do not count, and what the compiler folds
/// (constants, <c>nameof</c>) is not there to be seen.
/// </summary>
internal sealed class CompiledAssembly : IDisposable
{
    private const string Generated = "System.CodeDom.Compiler.GeneratedCodeAttribute";

    /// <summary>How a portable PDB tells the files of a type that no body of the type tells.</summary>
    private static readonly Guid s_typeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private static readonly Dictionary<int, OperandType> s_operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value, code => code.OperandType);

    private static readonly string[] s_accessors = ["get_", "set_", "add_", "remove_"];

    private readonly PEReader _file;
    private readonly MetadataReader _reader;
    private readonly MetadataReaderProvider _symbols;
    private readonly MetadataReader _pdb;

    private CompiledAssembly(PEReader file, MetadataReaderProvider symbols)
    {
        _file = file;
        _reader = file.GetMetadataReader();
        _symbols = symbols;
        _pdb = symbols.GetMetadataReader();
    }

    public static CompiledAssembly Open(Assembly assembly) => new(
        new PEReader(File.OpenRead(assembly.Location)),
        MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(assembly.Location, ".pdb"))));

    public void Dispose()
    {
        _symbols.Dispose();
        _file.Dispose();
    }

    /// <summary>Lists the types that stand in no other, each with the files of all its parts; what a compiler makes for itself has none and is left out.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Documents()
    {
        var documents = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            SortedSet<string> files = Entry(documents, FullName(Outermost(handle)));
            foreach (DocumentHandle document in DocumentsOf(handle))
            {
                files.Add(_pdb.GetString(_pdb.GetDocument(document).Name).Replace('\\', '/'));
            }
        }

        return documents
            .Where(pair => pair.Value.Count > 0 || !(pair.Key.StartsWith('<') || _reader.TypeDefinitions.Any(handle => FullName(handle) == pair.Key && IsMadeByTheCompiler(handle))))
            .ToDictionary(pair => pair.Key, pair => (IReadOnlyList<string>)[.. pair.Value]);
    }

    /// <summary>Lists what names what, each once, in order.</summary>
    public IReadOnlyList<Naming> Namings()
    {
        var namings = new HashSet<Naming>();
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            AddType(handle, namings);
        }

        return [.. namings.OrderBy(n => n.From, StringComparer.Ordinal).ThenBy(n => n.To, StringComparer.Ordinal).ThenBy(n => n.Member, StringComparer.Ordinal)];
    }

    /// <summary>Tells whether a generator or the compiler wrote a field: told by its attribute, or by where the bodies of its type stand.</summary>
    /// <param name="field">Of this assembly.</param>
    /// <param name="isHandWritten">Whether a file belongs to the sources.</param>
    public bool IsGenerated(FieldInfo field, Func<string, bool> isHandWritten)
    {
        var handle = (FieldDefinitionHandle)MetadataTokens.EntityHandle(field.MetadataToken);
        TypeDefinitionHandle type = _reader.GetFieldDefinition(handle).GetDeclaringType();
        return HasAttribute(_reader.GetFieldDefinition(handle).GetCustomAttributes(), Generated)
            || Chain(type).Any(IsMadeByTheCompiler)
            || (Bodies(type) is { Count: > 0 } bodies && !bodies.Any(isHandWritten));
    }

    private List<string> Bodies(TypeDefinitionHandle type) =>
    [
        .. _reader.GetTypeDefinition(type).GetMethods()
            .SelectMany(MethodDocuments)
            .Select(document => _pdb.GetString(_pdb.GetDocument(document).Name).Replace('\\', '/')),
    ];

    private static SortedSet<string> Entry(SortedDictionary<string, SortedSet<string>> documents, string name)
    {
        if (!documents.TryGetValue(name, out SortedSet<string>? files))
        {
            documents.Add(name, files = new SortedSet<string>(StringComparer.Ordinal));
        }

        return files;
    }

    private IEnumerable<DocumentHandle> DocumentsOf(TypeDefinitionHandle type)
    {
        foreach (CustomDebugInformationHandle handle in _pdb.GetCustomDebugInformation(type))
        {
            CustomDebugInformation information = _pdb.GetCustomDebugInformation(handle);
            if (_pdb.GetGuid(information.Kind) == s_typeDocuments)
            {
                BlobReader blob = _pdb.GetBlobReader(information.Value);
                while (blob.RemainingBytes > 0)
                {
                    yield return MetadataTokens.DocumentHandle(blob.ReadCompressedInteger());
                }
            }
        }

        foreach (DocumentHandle document in _reader.GetTypeDefinition(type).GetMethods().SelectMany(MethodDocuments))
        {
            yield return document;
        }
    }

    private IEnumerable<DocumentHandle> MethodDocuments(MethodDefinitionHandle method)
    {
        MethodDebugInformation information = _pdb.GetMethodDebugInformation(method);
        return information.SequencePointsBlob.IsNil
            ? []
            : information.GetSequencePoints().Where(point => !point.IsHidden).Select(point => point.Document).Distinct();
    }

    private bool IsMadeByTheCompiler(TypeDefinitionHandle type) =>
        HasAttribute(_reader.GetTypeDefinition(type).GetCustomAttributes(), "System.Runtime.CompilerServices.CompilerGeneratedAttribute");

    private bool HasAttribute(CustomAttributeHandleCollection attributes, string name) =>
        attributes.Any(handle => _reader.GetCustomAttribute(handle).Constructor is { Kind: HandleKind.MemberReference } constructor
            && _reader.GetMemberReference((MemberReferenceHandle)constructor).Parent is { Kind: HandleKind.TypeReference } parent
            && _reader.GetTypeReference((TypeReferenceHandle)parent) is var type
            && $"{_reader.GetString(type.Namespace)}.{_reader.GetString(type.Name)}" == name);

    private void AddType(TypeDefinitionHandle handle, HashSet<Naming> namings)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        var collector = new Collector(this, handle, namings);

        collector.Member = Describe(handle, member: null);
        collector.Visit(type.BaseType);
        foreach (InterfaceImplementationHandle implemented in type.GetInterfaceImplementations())
        {
            collector.Visit(_reader.GetInterfaceImplementation(implemented).Interface);
        }

        AddConstraints(type.GetGenericParameters(), collector);

        foreach (FieldDefinitionHandle field in type.GetFields())
        {
            FieldDefinition definition = _reader.GetFieldDefinition(field);
            collector.Member = Describe(handle, _reader.GetString(definition.Name));
            definition.DecodeSignature(collector, genericContext: null);
        }

        foreach (MethodDefinitionHandle method in type.GetMethods())
        {
            AddMethod(handle, method, collector);
        }
    }

    private void AddMethod(TypeDefinitionHandle type, MethodDefinitionHandle handle, Collector collector)
    {
        MethodDefinition method = _reader.GetMethodDefinition(handle);
        collector.Member = Describe(type, _reader.GetString(method.Name), isMethod: true);
        method.DecodeSignature(collector, genericContext: null);
        AddConstraints(method.GetGenericParameters(), collector);
        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        MethodBodyBlock body = _file.GetMethodBody(method.RelativeVirtualAddress);
        collector.Visit(body.LocalSignature);
        foreach (ExceptionRegion region in body.ExceptionRegions)
        {
            collector.Visit(region.CatchType);
        }

        AddInstructions(body.GetILReader(), collector);
    }

    private static void AddInstructions(BlobReader instructions, Collector collector)
    {
        while (instructions.RemainingBytes > 0)
        {
            int code = instructions.ReadByte();
            if (code == 0xFE)
            {
                code = 0xFE00 | instructions.ReadByte();
            }

            switch (s_operands[code])
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    instructions.Offset++;
                    break;
                case OperandType.InlineVar:
                    instructions.Offset += 2;
                    break;
                case OperandType.InlineBrTarget or OperandType.InlineI or OperandType.InlineString or OperandType.ShortInlineR:
                    instructions.Offset += 4;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    instructions.Offset += 8;
                    break;
                case OperandType.InlineSwitch:
                    int cases = instructions.ReadInt32();
                    instructions.Offset += 4 * cases;
                    break;
                default:
                    collector.Visit(MetadataTokens.EntityHandle(instructions.ReadInt32()));
                    break;
            }
        }
    }

    private void AddConstraints(GenericParameterHandleCollection parameters, Collector collector)
    {
        foreach (GenericParameterHandle parameter in parameters)
        {
            foreach (GenericParameterConstraintHandle constraint in _reader.GetGenericParameter(parameter).GetConstraints())
            {
                collector.Visit(_reader.GetGenericParameterConstraint(constraint).Type);
            }
        }
    }

    private TypeDefinitionHandle Outermost(TypeDefinitionHandle type) => Chain(type).Last();

    private IEnumerable<TypeDefinitionHandle> Chain(TypeDefinitionHandle type)
    {
        for (TypeDefinitionHandle at = type; !at.IsNil; at = _reader.GetTypeDefinition(at).GetDeclaringType())
        {
            yield return at;
        }
    }

    private string FullName(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        string name = _reader.GetString(type.Name);
        return type.Namespace.IsNil ? name : $"{_reader.GetString(type.Namespace)}.{name}";
    }

    /// <summary>Says where something stands, in the words of the source: a lambda is the method that it is written in.</summary>
    private string Describe(TypeDefinitionHandle type, string? member, bool isMethod = false)
    {
        string[] types = [.. Chain(type).Reverse().Select(handle => _reader.GetString(_reader.GetTypeDefinition(handle).Name))];
        string[] written = [.. types.Where(part => !part.StartsWith('<')).Select(part => part.Split('`')[0])];
        string name = string.Join('.', written);
        bool isMadeOfMethod = types.Length != written.Length;
        string? source = types.Append(member ?? "").Select(SourceName).LastOrDefault(found => found.Length > 0);
        if (source is null && (member is null || isMadeOfMethod))
        {
            return name;
        }

        bool isCalled = isMethod || isMadeOfMethod;
        return (source ?? member) switch
        {
            ".ctor" => $"{name}.{written[^1]}(...)",
            ".cctor" => $"{name}.static {written[^1]}()",
            { } accessor when isCalled && s_accessors.FirstOrDefault(prefix => accessor.StartsWith(prefix, StringComparison.Ordinal)) is { } prefix => $"{name}.{accessor[prefix.Length..]}",
            { } other => $"{name}.{other}{(isCalled ? "(...)" : "")}",
            _ => name,
        };
    }

    /// <summary>Reads the name in <c>&lt;Name&gt;b__0</c>; a number there is the compiler's own.</summary>
    private static string SourceName(string name) =>
        name.StartsWith('<') && name.IndexOf('>', StringComparison.Ordinal) is > 1 and int end && !char.IsAsciiDigit(name[1]) ? name[1..end] : "";

    private sealed class Collector(CompiledAssembly assembly, TypeDefinitionHandle from, HashSet<Naming> namings) : ISignatureTypeProvider<object?, object?>
    {
        private readonly MetadataReader _reader = assembly._reader;
        private readonly TypeDefinitionHandle _from = assembly.Outermost(from);

        public string Member { get; set; } = "";

        public void Visit(EntityHandle handle)
        {
            if (handle.IsNil)
            {
                return;
            }

            switch (handle.Kind)
            {
                case HandleKind.TypeDefinition:
                    Found((TypeDefinitionHandle)handle);
                    break;
                case HandleKind.TypeSpecification:
                    _reader.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, genericContext: null);
                    break;
                case HandleKind.MethodDefinition:
                    Found(_reader.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.FieldDefinition:
                    Found(_reader.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                    break;
                case HandleKind.MemberReference:
                    Visit(_reader.GetMemberReference((MemberReferenceHandle)handle).Parent);
                    break;
                case HandleKind.MethodSpecification:
                    MethodSpecification method = _reader.GetMethodSpecification((MethodSpecificationHandle)handle);
                    Visit(method.Method);
                    method.DecodeSignature(this, genericContext: null);
                    break;
                case HandleKind.StandaloneSignature:
                    StandaloneSignature signature = _reader.GetStandaloneSignature((StandaloneSignatureHandle)handle);
                    if (signature.GetKind() == StandaloneSignatureKind.Method)
                    {
                        signature.DecodeMethodSignature(this, genericContext: null);
                    }
                    else
                    {
                        signature.DecodeLocalSignature(this, genericContext: null);
                    }

                    break;
            }
        }

        public object? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            Found(handle);
            return null;
        }

        public object? GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind)
        {
            Visit(handle);
            return null;
        }

        public object? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => null;

        public object? GetPrimitiveType(PrimitiveTypeCode typeCode) => null;

        public object? GetGenericInstantiation(object? genericType, ImmutableArray<object?> typeArguments) => null;

        public object? GetArrayType(object? elementType, ArrayShape shape) => null;

        public object? GetSZArrayType(object? elementType) => null;

        public object? GetByReferenceType(object? elementType) => null;

        public object? GetPointerType(object? elementType) => null;

        public object? GetPinnedType(object? elementType) => null;

        public object? GetModifiedType(object? modifier, object? unmodifiedType, bool isRequired) => null;

        public object? GetFunctionPointerType(MethodSignature<object?> signature) => null;

        public object? GetGenericMethodParameter(object? genericContext, int index) => null;

        public object? GetGenericTypeParameter(object? genericContext, int index) => null;

        private void Found(TypeDefinitionHandle type)
        {
            TypeDefinitionHandle to = assembly.Outermost(type);
            if (to != _from)
            {
                namings.Add(new Naming(assembly.FullName(_from), Member, assembly.FullName(to)));
            }
        }
    }
}
