using Pasid.Tests.Recordings;
using Pasid.Tests.Support;

namespace Pasid.Tests.Tools;

public sealed class VerifyTests
{
    private const string AllocatorHeader = """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":1}""";
    private const string CustomHeader = """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":1,"fns":{"f1":"lowest-free"},"ops":{"c1":"f1"}}""";
    private const string BinderHeader = """{"vectors":"svm","version":1,"kernel":"patched","name":"x","seed":1,"topology":{"pasid_max_id":16,"dmar_disabled":false,"iommus":[{"name":"i","supervisor":true}],"devices":[{"name":"d","iommu":"i","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":false}],"mms":["m"]}}""";
    private const string State = """ "state":{"mm_pasid":{"m":0},"live":[],"svms":[]} """;

    [Fact]
    public void Verify_of_a_folder_answers_one_line_a_file_and_the_sum()
    {
        ToolRun run = ToolRun.Of("verify", Vectors.Folder);

        run.ExitCode.Should().Be(0);
        run.Lines.Should().HaveCount(87);
        run.Lines[0].Should().MatchRegex(@"^ioasid-basic\.jsonl +v5\.6 +625 steps  ok$");
        run.Lines[^1].Should().Be("86 files, 58758 steps, 0 mismatches");
        run.Error.Should().BeEmpty();
    }

    [Fact]
    public void Verify_takes_files_and_folders_together()
    {
        using var folder = new TemporaryFolder();
        folder.Write("empty.jsonl", AllocatorHeader.Replace("\"steps\":1", "\"steps\":0", StringComparison.Ordinal));

        ToolRun run = ToolRun.Of("verify", Vectors.PathOf("ioasid-basic.jsonl"), folder.Path);

        run.ExitCode.Should().Be(0);
        run.Lines[^1].Should().Be("2 files, 625 steps, 0 mismatches");
    }

    [Theory]
    [InlineData("ioasid-basic.jsonl", "\"ret\":16}", "\"ret\":17}", "alloc: ret", "17", "16")]
    [InlineData("ioasid-basic.jsonl", "{\"data\":\"d11\"}", "{\"data\":\"d12\"}", "find: ret", """{"data":"d12"}""", """{"data":"d11"}""")]
    [InlineData("ioasid-custom.jsonl", "\"ret\":-17", "\"ret\":0", "register: ret", "0", "-17")]
    [InlineData("ioasid-refs.jsonl", "\"ret\":true", "\"ret\":false", "put: ret", "false", "true")]
    [InlineData("svm-patched-tour.jsonl", "\"ret\":0,\"pasid\":1,", "\"ret\":0,\"pasid\":2,", "bind: pasid", "2", "1")]
    [InlineData("svm-patched-tour.jsonl", "\"ret\":-2,", "\"ret\":-22,", "unbind: ret", "-22", "-2")]
    [InlineData("svm-v56-tour.jsonl", "\"notifier_register mm7\",", "", "bind: events", "-> 1\",\"setup", "notifier_register mm7")]
    [InlineData("svm-v56-tour.jsonl", "did=1\"", "did=2\"", "unbind: qi", "did=2", "did=1")]
    [InlineData("svm-v56-tour.jsonl", "\"live\":[1]", "\"live\":[1,2]", "bind: state.live", "[1,2]", "[1]")]
    [InlineData("svm-patched-tour.jsonl", "\"mm7\":1", "\"mm7\":2", "bind: state.mm_pasid", "\"mm7\":2", "\"mm7\":1")]
    [InlineData("svm-patched-tour.jsonl", "[[\"dev1\",1]]", "[[\"dev1\",2]]", "bind: state.svms", "[[\"dev1\",2]]", "[[\"dev1\",1]]")]
    public void Verify_finds_one_changed_answer_and_shows_it(string name, string recorded, string changed, string where, string expected, string actual)
    {
        using var folder = new TemporaryFolder();
        string text = File.ReadAllText(Vectors.PathOf(name));
        int at = text.IndexOf(recorded, StringComparison.Ordinal);
        at.Should().BePositive();
        string path = Path.Combine(folder.Path, name);
        File.WriteAllText(path, string.Concat(text.AsSpan(0, at), changed, text.AsSpan(at + recorded.Length)));
        int line = text.AsSpan(0, at).Count('\n') + 1;

        ToolRun run = ToolRun.Of("verify", folder.Path, Vectors.PathOf("ioasid-edges.jsonl"));

        run.ExitCode.Should().Be(1);
        run.Lines[0].Should().EndWith("MISMATCH");
        run.Lines[1].Should().Be($"  {path}:{line}: {where}");
        run.Lines[2].Should().StartWith("    expected ").And.Contain(expected);
        run.Lines[3].Should().StartWith("    actual   ").And.Contain(actual);
        run.Lines[4].Should().Contain("ioasid-edges.jsonl", "the next file is verified all the same");
        run.Lines[^1].Should().Be($"2 files, {line - 1 + 419} steps, 1 mismatches");
    }

    [Theory]
    [InlineData("ioasid-basic.jsonl", "\"ret\":16}", "\"ret\":-16}")]
    [InlineData("ioasid-basic.jsonl", "\"ret\":{\"errno\":-2}", "\"ret\":{\"errno\":2}")]
    [InlineData("ioasid-refs.jsonl", "\"op\":\"get\",\"id\":3,\"ret\":0", "\"op\":\"get\",\"id\":3,\"ret\":9")]
    [InlineData("svm-v56-tour.jsonl", "\"ret\":-2,", "\"ret\":99999999999,")]
    [InlineData("svm-v56-tour.jsonl", "\"pasid\":1,\"events\":[\"enable", "\"pasid\":-1,\"events\":[\"enable")]
    [InlineData("svm-v56-tour.jsonl", "\"live\":[1]", "\"live\":[-1]")]
    [InlineData("svm-v56-tour.jsonl", "\"mm_pasid\":{\"mm0\":0", "\"mm_pasid\":{\"nobody\":0")]
    [InlineData("svm-v56-tour.jsonl", "[1,\"mm7\",0,", "[1,\"mm7\",-9,")]
    public void Verify_takes_an_absurd_answer_for_a_difference(string name, string recorded, string changed)
    {
        using var folder = new TemporaryFolder();
        string text = File.ReadAllText(Vectors.PathOf(name));
        int at = text.IndexOf(recorded, StringComparison.Ordinal);
        at.Should().BePositive();
        File.WriteAllText(Path.Combine(folder.Path, name), string.Concat(text.AsSpan(0, at), changed, text.AsSpan(at + recorded.Length)));

        ToolRun run = ToolRun.Of("verify", folder.Path);

        run.ExitCode.Should().Be(1);
        run.Lines[^1].Should().EndWith(" 1 mismatches");
    }

    [Theory]
    [InlineData("the header lacks the key 'version'", """{"vectors":"ioasid"}""")]
    [InlineData("version 2 is unknown: this tool reads version 1", """{"vectors":"ioasid","version":2}""")]
    [InlineData("'vectors' is 'vfio': it must be 'ioasid', 'svm' or 'prq'", """{"vectors":"vfio","version":1,"kernel":"v5.6","name":"x"}""")]
    [InlineData("'vectors' of the header must be a string, not 7", """{"vectors":7,"version":1}""")]
    [InlineData("the header must be an object, not an array", "[]")]
    [InlineData("the line is cut off or no JSON object", """{"vectors":"ioa""")]
    [InlineData("the kernel 'v6.6' is unknown for an allocator: it must be v5.6 or v5.17", """{"vectors":"ioasid","version":1,"kernel":"v6.6","name":"x","seed":1,"steps":0}""")]
    [InlineData("the kernel 'v9' is unknown for a binder: it must be patched, v5.6 or default", """{"vectors":"svm","version":1,"kernel":"v9","name":"x","seed":1,"topology":{}}""")]
    [InlineData("the header lacks the key 'topology'", """{"vectors":"svm","version":1,"kernel":"patched","name":"x","seed":1}""")]
    [InlineData("the header has the unknown key 'colour'", """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":0,"colour":"red"}""")]
    [InlineData("the header has the key 'version' twice", """{"vectors":"ioasid","version":1,"version":1}""")]
    [InlineData("the strategy 'random' of 'f1' is unknown", """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":0,"fns":{"f1":"random"},"ops":{}}""")]
    [InlineData("the functions 'f2' of 'c1' are not in 'fns'", """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":0,"fns":{},"ops":{"c1":"f2"}}""")]
    [InlineData("the device 'd' is behind the unknown IOMMU 'j'", """{"vectors":"svm","version":1,"kernel":"patched","name":"x","seed":1,"topology":{"pasid_max_id":16,"dmar_disabled":false,"iommus":[],"devices":[{"name":"d","iommu":"j","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":false}],"mms":[]}}""")]
    [InlineData("the mm 'm' is there twice", """{"vectors":"svm","version":1,"kernel":"patched","name":"x","seed":1,"topology":{"pasid_max_id":16,"dmar_disabled":false,"iommus":[],"devices":[],"mms":["m","m"]}}""")]
    [InlineData("'pasid_max_id' of the topology must be a whole number from 0 to 1048576, not 1048577", """{"vectors":"svm","version":1,"kernel":"patched","name":"x","seed":1,"topology":{"pasid_max_id":1048577}}""")]
    public void Verify_of_a_malformed_header_says_what_is_wrong(string message, string header)
    {
        Malformed(1, message, header);
    }

    [Theory]
    [InlineData("the op 'steal' is unknown for an allocator", """{"op":"steal","id":1}""")]
    [InlineData("the step lacks the key 'op'", """{"id":1}""")]
    [InlineData("the step lacks the key 'ret'", """{"op":"put","id":1}""")]
    [InlineData("the step lacks the key 'max'", """{"op":"alloc","set":null,"min":1,"data":null,"ret":1}""")]
    [InlineData("'id' of the step must be a whole number from 0 to 4294967295, not 4294967296", """{"op":"free","id":4294967296}""")]
    [InlineData("'id' of the step must be a whole number from 0 to 4294967295, not 1.5", """{"op":"free","id":1.5}""")]
    [InlineData("'id' of the step must be a whole number from 0 to 4294967295, not \"1\"", """{"op":"free","id":"1"}""")]
    [InlineData("'ret' of the step must be true or false, not 1", """{"op":"put","id":1,"ret":1}""")]
    [InlineData("'ret' of the step must be 0 or \"warn\", not \"alarm\"", """{"op":"get","id":1,"ret":"alarm"}""")]
    [InlineData("'ret' of the step must be an object with 'data' or 'errno', not an object", """{"op":"find","set":null,"id":1,"getter":null,"ret":{}}""")]
    [InlineData("'getter' of the step must be true or false, not 0", """{"op":"find","set":null,"id":1,"getter":0,"ret":{"data":null}}""")]
    [InlineData("'ret' of the step must be an array, not 3", """{"op":"live","ret":3}""")]
    [InlineData("the step has the unknown key 'color'", """{"op":"free","id":1,"color":1}""")]
    [InlineData("the step has the unknown key 'note'", """{"op":"free","id":1,"note":"recordings have no notes"}""")]
    [InlineData("the custom allocator 'c9' is unknown: the header does not declare it in 'ops'", """{"op":"unregister","ops":"c9"}""")]
    [InlineData("the line is cut off or no JSON object", """{"op":"free","i""")]
    [InlineData("the line is empty", "")]
    [InlineData("the step must be an object, not 12", "12")]
    [InlineData("the step has text that is no valid Unicode", """{"op":"alloc","set":"\ud800","min":1,"max":1,"data":null,"ret":1}""")]
    public void Verify_of_a_malformed_allocator_step_says_what_is_wrong(string message, string step)
    {
        Malformed(2, message, AllocatorHeader, step);
    }

    [Fact]
    public void Verify_of_functions_that_differ_from_the_headers_says_so()
    {
        Malformed(2, "the custom allocator 'c1' has the functions 'f1' in the header, not 'f2'", CustomHeader, """{"op":"register","ops":"c1","fns":"f2","ret":0}""");
    }

    [Theory]
    [InlineData("the device 'x' is unknown: the topology does not have it", """{"op":"unbind","dev":"x","pasid":1,"ret":0,"events":[],STATE}""")]
    [InlineData("the mm 'x' is unknown: the topology does not have it", """{"op":"exit","mm":"x","events":[],STATE}""")]
    [InlineData("the step lacks the key 'events'", """{"op":"exit","mm":"m",STATE}""")]
    [InlineData("the step lacks the key 'state'", """{"op":"exit","mm":"m","events":[]}""")]
    [InlineData("the state lacks the key 'svms'", """{"op":"exit","mm":"m","events":[],"state":{"mm_pasid":{},"live":[]}}""")]
    [InlineData("'m' of 'mm_pasid' must be a whole number from -9223372036854775808 to 9223372036854775807, not true", """{"op":"exit","mm":"m","events":[],"state":{"mm_pasid":{"m":true},"live":[],"svms":[]}}""")]
    [InlineData("'svms' of the step must be made of [pasid, mm, flags, devices], not an array", """{"op":"exit","mm":"m","events":[],"state":{"mm_pasid":{},"live":[],"svms":[[1]]}}""")]
    [InlineData("'events' of the step must be a string, not 1", """{"op":"exit","mm":"m","events":[1],STATE}""")]
    [InlineData("'qi' of the step must be an array, not null", """{"op":"exit","mm":"m","events":[],"qi":null,STATE}""")]
    [InlineData("the failure 'fire' is unknown: it must be sdev, svm, notifier or setup", """{"op":"bind","dev":"d","mm":"m","want_pasid":true,"flags":0,"ops":null,"fail":"fire","ret":0,"pasid":1,"events":[],STATE}""")]
    [InlineData("'flags' of the step must be a whole number from 0 to 3, not 4", """{"op":"bind","dev":"d","mm":"m","want_pasid":true,"flags":4,"ops":null,"fail":null,"ret":0,"pasid":1,"events":[],STATE}""")]
    [InlineData("the op 'alloc' is unknown for a binder", """{"op":"alloc","set":null,"min":1,"max":1,"data":null,"ret":1}""")]
    public void Verify_of_a_malformed_binder_step_says_what_is_wrong(string message, string step)
    {
        Malformed(2, message, BinderHeader, step.Replace("STATE", State, StringComparison.Ordinal));
    }

    [Fact]
    public void Verify_of_a_file_with_fewer_steps_than_its_header_says_is_malformed()
    {
        Malformed(1, "the file ends after 0 steps; its header says 1", AllocatorHeader);
    }

    [Fact]
    public void Verify_of_an_empty_file_is_malformed()
    {
        Malformed(1, "the file is empty: its first line must be a header");
    }

    [Fact]
    public void Verify_of_a_file_that_is_no_text_is_malformed()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "binary.jsonl");
        File.WriteAllBytes(path, [0x7b, 0xff, 0xfe, 0x00, 0x0a]);

        Malformed(ToolRun.Of("verify", path), $"{path}:1: the line is no valid UTF-8");
    }

    [Fact]
    public void Verify_of_a_line_that_never_ends_is_malformed()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "long.jsonl");
        File.WriteAllText(path, new string(' ', 3 << 20));

        Malformed(ToolRun.Of("verify", path), $"{path}:1: the line is longer than 1048576 bytes");
    }

    [Fact]
    public void Verify_of_deep_nesting_is_malformed()
    {
        Malformed(1, "the line is cut off or no JSON object", new string('[', 10_000) + new string(']', 10_000));
    }

    [Fact]
    public void Verify_accepts_a_byte_order_mark_windows_line_ends_and_no_line_end_at_the_end()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "windows.jsonl");
        File.WriteAllText(path, $"\uFEFF{AllocatorHeader}\r\n{{ \"op\" : \"free\" , \"id\" : 1 }}");

        ToolRun run = ToolRun.Of("verify", path);

        run.Lines[^1].Should().Be("1 files, 1 steps, 0 mismatches");
        run.ExitCode.Should().Be(0);
    }

    [Fact]
    public void Verify_of_something_that_is_not_there_says_so_and_goes_on()
    {
        ToolRun run = ToolRun.Of("verify", "no-such-file.jsonl", Vectors.PathOf("ioasid-basic.jsonl"));

        run.ExitCode.Should().Be(2);
        run.ErrorLines.Should().Equal("pasid: no-such-file.jsonl: there is no such file or folder");
        run.Lines[^1].Should().Be("1 files, 625 steps, 0 mismatches");
    }

    [Fact]
    public void Verify_of_a_folder_without_recordings_says_so()
    {
        using var folder = new TemporaryFolder();

        Malformed(ToolRun.Of("verify", folder.Path), $"{folder.Path}: the folder holds no .jsonl or .jsonl.gz file");
    }

    [Fact]
    public void Verify_without_a_path_is_a_wrong_command_line()
    {
        ToolRun run = ToolRun.Of("verify");

        run.ExitCode.Should().Be(2);
        run.ErrorLines.Should().HaveCount(2);
    }

    private static void Malformed(int line, string message, params string[] lines)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("malformed.jsonl", lines);

        Malformed(ToolRun.Of("verify", path), $"{path}:{line}: {message}");
    }

    private static void Malformed(ToolRun run, string message)
    {
        run.ErrorLines.Should().Equal($"pasid: {message}");
        run.ExitCode.Should().Be(2);
        run.Lines.Should().Equal("0 files, 0 steps, 0 mismatches");
    }

    [Fact]
    public void A_malformed_file_that_is_quoted_with_a_line_break_is_still_refused_in_one_line()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("odd.jsonl", "{\"vectors\":\"ioasid\",\"version\":1,\"kernel\":\"v5.6\",\"name\":\"odd\",\"steps\":1}", "{\"op\":\"fi\\nd\"}");

        ToolRun run = ToolRun.Of("verify", path);

        run.ExitCode.Should().Be(2);
        run.Error.Trim().Split('\n').Should().ContainSingle().Which.Should().Contain("fi\\u000ad");
    }
}
