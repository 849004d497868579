/* SPDX-License-Identifier: MIT */
/*
 * Recordings of a real kernel, replayed: those that stand beside this file, malformed ones, and some that were altered
 * on purpose.  usage: recordings P2PSIM FOLDER
 */
#include "cli_tool.h"
#include "widest.h"

#include <sys/stat.h>

static const char *folder;	/* of the recordings */

struct scratch {
	char dir[32];
	char path[64];		/* of the file under test */
	char good[64];		/* of a recording that agrees */
};

/* One mapping, one touch, the end: small enough to be altered line by line. */
#define HEADER "# mmtruth 1\nwindow 16\n"
#define OP_MMAP                                                                                                        \
	"op mmap 4000 2000 rw- p,fixed anon 0\nret 0x4000\nvma 4000 6000 rw-p anon 0 ac\npg . 16\nend\n"
#define OP_WR "op wr 4000 7\nret 0\nvma =\npg . 4 A 1 . 11\nend\n"
#define OP_MUNMAP                                                                                                      \
	"op munmap 4000 1000\nret 0\nev S UNMAP 4000 5000 bv\nev E UNMAP 4000 5000 bv\n"                              \
	"vma 5000 6000 rw-p anon 0 ac\npg . 16\nend\n"

static void write_file(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	struct scratch *s = test_calloc(1, sizeof(*s));

	*state = s;
	strcpy(s->dir, "/tmp/p2psim-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/one.txt", s->dir);
	snprintf(s->good, sizeof(s->good), "%s/two.txt", s->dir);
	write_file(s->good, HEADER OP_MMAP OP_WR OP_MUNMAP, strlen(HEADER OP_MMAP OP_WR OP_MUNMAP));
	return 0;
}

static int tear_down(void **state)
{
	struct scratch *s = *state;

	unlink(s->path);
	unlink(s->good);
	rmdir(s->path);
	rmdir(s->dir);
	test_free(s);
	return 0;
}

/* ---- The recordings of the repository ---- */

static void replay_folder(const char *name, const char *first_line, const char *last_line)
{
	char path[4096];
	struct tool_run run;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	run = tool("conform", path);
	if (run.status)
		print_error("%s%s", run.out, run.err);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_says(run.out, first_line);
	assert_says(run.out, last_line);
	tool_free(&run);
}

static void test_whole_recordings_replay_without_a_mismatch(void **state)
{
	(void)state;
	replay_folder("hand", "files 21, of which 21 replayed whole\n", "ops 178 mismatches 0 unsupported 0\n");
}

static void test_the_beginnings_of_random_recordings_replay_without_a_mismatch(void **state)
{
	(void)state;
	replay_folder("random", "files 20, of which ", " mismatches 0 unsupported ");
}

static void test_the_small_recording_of_these_tests_agrees(void **state)
{
	struct scratch *s = *state;

	assert_tool(0, "ops 3 mismatches 0 unsupported 0\n", NULL, "conform", s->good);
}

/* As recorded of 6.1: a pin for reading copies what a fork shares, and leaves the copy read-only. */
#define OP_FORK                                                                                                        \
	"op fork\nret 0\nev S PROT_PAGE 4000 6000 bv\nev E PROT_PAGE 4000 6000 bv\nvma =\npg . 4 s 1 . 11\ncvma =\nend\n"
#define OP_PIN                                                                                                         \
	"op gup 4000 1 lr\nret 1\nev S CLEAR 4000 5000 bv\nev C r 4000 5000 -\nev E CLEAR 4000 5000 bv\nvma =\n"       \
	"pg . 4 a 1 . 11\nend\n"
#define OP_REMOTE                                                                                                      \
	"op pvr 4000\nret 7\nvma =\npg =\nend\nop pvw 5000 3\nret 0\nvma =\npg . 4 a 1 A 1 . 10\nend\n"               \
	"op gup 4000 3 fw\nret 2\nvma =\npg . 4 A 2 . 10\nend\nop pvr 7000\nret EFAULT\nvma =\npg =\nend\n"

static void test_memory_is_reached_through_its_pages(void **state)
{
	struct scratch *s = *state;
	static const char text[] = HEADER OP_MMAP OP_WR OP_FORK OP_PIN OP_REMOTE;

	write_file(s->path, text, strlen(text));
	assert_tool(0, "ops 8 mismatches 0 unsupported 0\n", NULL, "conform", "--explain", s->path);
}

static void test_first_stops_after_so_many_files(void **state)
{
	struct scratch *s = *state;

	assert_tool(0, "files 1, of which 1 replayed whole\n", NULL, "conform", "--first", "1", s->good, s->good);
	assert_tool(2, NULL, "--first takes a number of files", "conform", "--first", "-1", s->good);
}

static void test_file_picks_the_recordings_of_that_name(void **state)
{
	struct scratch *s = *state;

	write_file(s->path, "no recording\n", 13);
	assert_tool(0, "files 1, of which 1 replayed whole\n", NULL, "conform", "--file", "two.txt", s->dir);
	assert_tool(2, NULL, "no recording is called wo.txt", "conform", "--file", "wo.txt", s->dir);
}

/* Threads take files as they come; what is printed does not show it. */
static void test_any_number_of_threads_prints_the_same(void **state)
{
	char path[4096];
	struct tool_run one, many;

	(void)state;
	snprintf(path, sizeof(path), "%s/random", folder);
	one = tool("conform", "--jobs", "1", "--explain", path);
	many = tool("conform", "--jobs", "7", "--explain", path);
	assert_int_equal(one.status, many.status);
	assert_string_equal(one.out, many.out);
	tool_free(&one);
	tool_free(&many);
	assert_tool(2, NULL, "--jobs takes a number of threads", "conform", "--jobs", "-1", path);
}

static void test_progress_is_told_on_stderr(void **state)
{
	struct scratch *s = *state;

	assert_tool(0, "ops 6 ", "\r1 of 2 files\r2 of 2 files\n", "conform", "--progress", s->good, s->good);
}

static void test_what_is_not_supported_is_counted_and_its_verb_is_named(void **state)
{
	struct scratch *s = *state;
	static const char text[] = HEADER OP_MMAP "op mmap 0 1000 rw- p,fixed,sync anon 0\nret 0x0\nvma =\npg =\nend\n" OP_WR;

	write_file(s->path, text, strlen(text));
	assert_tool(0, "first unsupported: mmap 1\nops 1 mismatches 0 unsupported 2\n", NULL, "conform", s->path);
}

#define DEVICE_OPS                                                                                                     \
	"# mmtruth 1\nwindow 8\n"                                                                                      \
	"op mmap 0 2000 rw- p,fixed anon 0\nret 0x0\nvma 0 2000 rw-p anon 0 ac\npg . 8\nend\n"                         \
	"op dopen 0\nret 0\nvma =\npg =\ndpt 0 . 8\nend\n"                                                            \
	"op wrr 0 2000 4\nret 0\nvma =\npg A 2 . 6\ndpt 0 =\nend\n"                                                   \
	"op dmig 0 0 2\nret 0 2 0 04x2 8\nev S MIGRATE 0 2000 bvo0\nev E MIGRATE 0 2000 bvo0\nvma =\npg P 2 . 6\n"      \
	"dpt 0 w 2 . 6\nend\n"                                                                                         \
	"op rd 0\nret 4\nev S MIGRATE 0 1000 bvo0\nev E MIGRATE 0 1000 bvo0\nvma =\npg A 1 P 1 . 6\n"

static void test_the_fake_device_has_a_page_table_of_its_own(void **state)
{
	static const char right[] = DEVICE_OPS "dpt 0 . 1 w 1 . 6\nend\n", wrong[] = DEVICE_OPS "dpt 0 w 2 . 6\nend\n";
	struct scratch *s = *state;

	write_file(s->path, right, strlen(right));
	assert_tool(0, "ops 5 mismatches 0 unsupported 0\n", NULL, "conform", s->path);
	write_file(s->path, wrong, strlen(wrong));
	assert_tool(1, "dp0 ", NULL, "conform", s->path);
}

static void test_huge_pages_are_on_where_the_recording_says_so(void **state)
{
	struct scratch *s = *state;
	static const char text[] = "# mmtruth 1\nwindow 1024\nthp 1\nop mmap 0 200000 rw- p,fixed anon 0\nret 0x0\n"
				   "vma 0 200000 rw-p anon 0 ac\npg . 1024\nend\n"
				   "op wr 1000 7\nret 0\nvma =\npg H 512 . 512\nend\n";

	write_file(s->path, text, strlen(text));
	assert_tool(0, "ops 2 mismatches 0 unsupported 0\n", NULL, "conform", s->path);
}

/* ---- Malformed ones: file, line and why; the good one beside it still runs; exit status 2 ---- */

static void refused_bytes(struct scratch *s, const char *text, size_t size, const char *why)
{
	char said[160];

	write_file(s->path, text, size);
	snprintf(said, sizeof(said), "p2psim: %s%s\n", s->path, why);
	assert_tool(2, "ops 3 mismatches 0 unsupported 0\n", said, "conform", s->path, s->good);
}

static void refused(struct scratch *s, const char *text, const char *why)
{
	refused_bytes(s, text, strlen(text), why);
}

static void test_a_file_that_is_no_recording_is_refused(void **state)
{
	static const char *later = ":2: this is no recording: it begins with \"window\", \"file\", \"thp\", \"swap\" or \"op\"";
	static const char *why = ":1: this is no recording: it begins with \"window\", \"file\", \"thp\", \"swap\" or \"op\"";
	static const char binary[] = "# mmtruth 1\n\0\0\0\377";

	refused(*state, "", ":1: this is no recording: it is empty");
	refused(*state, "# mmtruth 1\nfile p2pmem/01 config amd\n", later);
	refused(*state, "hello\n", why);
	refused_bytes(*state, "\177ELF\002\001\001", 7, ":1: the file is cut off: its last line has no end");
	refused_bytes(*state, "\177ELF\002\001\n", 7, why);
	refused_bytes(*state, binary, sizeof(binary), ":2: a NUL byte: this is no text");
}

static void test_a_device_that_is_wrong_is_refused(void **state)
{
	refused(*state, DEVICE_OPS "dpt 7 . 8\nend\n", ":34: a device's page table reads: dpt DEVICE LETTER COUNT ...");
	refused(*state, DEVICE_OPS "dpt 0 q 8\nend\n", ":34: a device's page table reads: dpt DEVICE LETTER COUNT ...");
	refused(*state, DEVICE_OPS "dpt 0 r 7\nend\n", ":34: the page-table entries do not fill the window");
	refused(*state, DEVICE_OPS "dpt 0 =\ndpt 0 =\nend\n", ":35: the same record twice");
	refused(*state, HEADER "op dread 00 0 1\n", ":3: an argument that cannot be read");
}

static void test_a_header_that_is_wrong_is_refused(void **state)
{
	refused(*state, "# mmtruth 1\n" OP_MMAP, ":2: an operation before \"window\"");
	refused(*state, "# mmtruth 1\nwindow many\n", ":2: \"window\" needs a number of pages, 1 to 65536");
	refused(*state, "# mmtruth 1\nwindow -1\n", ":2: \"window\" needs a number of pages, 1 to 65536");
	refused(*state, "# mmtruth 1\nwindow 0\n", ":2: \"window\" needs a number of pages, 1 to 65536");
	refused(*state, "# mmtruth 1\nwindow 16\nspeed 9\n", ":3: an unknown record");
	refused(*state, "# mmtruth 1\n", ":2: there is no \"window\"");
	refused(*state, HEADER, ":3: there is no operation");
}

static void test_an_operation_that_is_wrong_is_refused(void **state)
{
	refused(*state, HEADER "op\nret 0\nend\n", ":3: \"op\" without an operation");
	refused(*state, HEADER "op a b c d e f g h i j k\n", ":3: an operation with too many words");
	refused(*state, HEADER "op wr 0 1\nsaid 0\nend\n", ":4: an unknown record");
	refused(*state, HEADER "op wr 0 1\nend\n", ":4: an operation without \"ret\"");
	refused(*state, HEADER "op wr 0 1\nret\nend\n", ":4: a record without fields");
	refused(*state, HEADER "op wr 0 1\nret 0\nop wr 0 1\n", ":5: \"op\" before the \"end\" of the one before");
}

static void test_an_operation_with_wrong_arguments_is_refused(void **state)
{
	refused(*state, HEADER "op swim 0 1\nret 0\nend\n", ":3: there is no such operation");
	refused(*state, HEADER "op wr 0\nret 0\nend\n", ":3: the operation takes another number of arguments");
	refused(*state, HEADER "op wr zz 1\nret 0\nend\n", ":3: an argument that cannot be read");
	refused(*state, HEADER "op mprotect 0 1000 rwq\nret 0\nend\n", ":3: an argument that cannot be read");
}

static void test_a_record_that_is_wrong_is_refused(void **state)
{
	refused(*state, HEADER "op wr 0 1\nret 0\nret 0\nend\n", ":5: the same record twice");
	refused(*state, HEADER "op wr 0 1\nret 0\nev S UNMAP 0\nend\n",
		":5: an event reads: ev S|E|R|C|Y|I|X EVENT START END FLAGS");
	refused(*state, HEADER "op wr 0 1\nret 0\nvma 0 1000 rw- anon 0 -\nend\n",
		":5: a VMA reads: vma START END PERM OBJ OFF FLAGS");
	refused(*state, HEADER "op wr 0 1\nret 0\nvma =\nvma 0 1000 rw-p anon 0 -\nend\n", ":6: a VMA after \"=\"");
	refused(*state, HEADER "op wr 0 1\nret 0\npg A 1 . 14\nend\n",
		":5: the page-table entries do not fill the window");
	refused(*state, HEADER "op wr 0 1\nret 0\npg A x\nend\n",
		":5: page-table entries read: pg LETTER COUNT LETTER COUNT ...");
}

static void test_files_and_settings_of_the_header_are_read(void **state)
{
	refused(*state, HEADER "file 1 1000\n", ":3: files read: file 0 SIZE, file 1 SIZE ...");
	refused(*state, HEADER "file 0 many\n", ":3: files read: file 0 SIZE, file 1 SIZE ...");
	refused(*state, HEADER "thp 3\n", ":3: a setting that there is not");
	refused(*state, HEADER "swap 2\n", ":3: a setting that there is not");
}

static void test_a_file_that_is_cut_off_is_refused(void **state)
{
	refused(*state, HEADER "op wr 0 1\nret 0\n", ":5: the file is cut off inside an operation");
	refused(*state, HEADER OP_MMAP "op wr 40", ":8: the file is cut off: its last line has no end");
	refused(*state, "# mmtruth 1", ":1: the file is cut off: its last line has no end");
}

static void test_what_cannot_be_opened_is_refused(void **state)
{
	struct scratch *s = *state;

	assert_tool(2, "ops 3 mismatches 0", "one.txt: No such file or directory", "conform", s->path, s->good);
	assert_int_equal(mkdir(s->path, 0700), 0);
	assert_tool(2, "ops 3 mismatches 0", "one.txt: a folder without recordings", "conform", s->path, s->good);
	assert_tool(2, NULL, "conform takes recordings", "conform");
}

/* Neither the comments of a recording, nor its name, nor how its lines end makes it one. */
static void test_a_recording_is_known_by_its_records(void **state)
{
	static const char bare[] = "window 16\n" OP_MMAP, dos[] = "\r\nwindow 16\r\nop wr 0 1\r\nret SIGSEGV/MAPERR\r\nend";
	struct scratch *s = *state;
	char below[96];

	assert_int_equal(mkdir(s->path, 0700), 0);
	snprintf(below, sizeof(below), "%s/three", s->path);
	write_file(below, bare, strlen(bare));
	assert_tool(0, "ops 1 mismatches 0 unsupported 0\n", NULL, "conform", s->path);
	assert_tool(0, "ops 1 mismatches 0 unsupported 0\n", NULL, "conform", below);
	write_file(below, dos, strlen(dos));
	assert_tool(0, "ops 1 mismatches 0 unsupported 0\n", NULL, "conform", s->path);
	unlink(below);
	rmdir(s->path);
}

/* A folder stands for all that is under it; what is no recording there is passed over, and told. */
static void test_a_folder_is_walked_to_its_end(void **state)
{
	struct scratch *s = *state;
	char below[96];

	assert_int_equal(mkdir(s->path, 0700), 0);
	snprintf(below, sizeof(below), "%s/three.txt", s->path);
	write_file(below, HEADER OP_MMAP, strlen(HEADER OP_MMAP));
	assert_tool(0, "files 2, of which 2 replayed whole\nops 4 mismatches 0 unsupported 0\n", NULL, "conform", s->dir);
	write_file(below, "a letter\n", 9);
	assert_tool(0, "ops 3 mismatches 0", "1 files in folders are no recordings", "conform", s->dir);
	assert_tool(2, "ops 0 mismatches 0", "a folder without recordings", "conform", s->path);
	write_file(below, "", 0);
	assert_tool(2, "ops 3 mismatches 0", "three.txt:1: this is no recording", "conform", s->dir);
	unlink(below);
	assert_int_equal(symlink(s->path, below), 0);
	assert_tool(2, "ops 3 mismatches 0", "folders in folders without end", "conform", s->dir);
	unlink(below);
	assert_int_equal(symlink("/no/such/file", below), 0);
	assert_tool(2, "ops 3 mismatches 0", "three.txt: No such file or directory", "conform", s->dir);
	unlink(below);
}

/* ---- Altered ones: a mismatch each, side by side, exit status 1 ---- */

static void differs(struct scratch *s, const char *text, const char *left_and_right)
{
	write_file(s->path, text, strlen(text));
	assert_tool(1, left_and_right, NULL, "conform", s->path);
	assert_tool(1, "mismatches 1 unsupported 0\n", NULL, "conform", s->path, s->good);
}

static void test_another_result_is_a_mismatch(void **state)
{
	differs(*state, HEADER "op mmap 4000 2000 rw- p,fixed anon 0\nret EINVAL\nvma none\npg . 16\nend\n",
		"    ret  EINVAL                                   | 0x4000   <==\n");
}

static void test_another_vma_is_a_mismatch(void **state)
{
	differs(*state, HEADER "op mmap 4000 2000 rw- p,fixed anon 0\nret 0x4000\nvma 4000 7000 rw-p anon 0 ac\npg . 16\nend\n",
		"    vma  4000 7000 rw-p anon 0 ac                 | 4000 6000 rw-p anon 0 ac   <==\n");
	differs(*state, HEADER "op mmap 4000 2000 rw- p,fixed anon 0\nret 0x4000\nvma none\npg . 16\nend\n",
		"    vma  -                                        | 4000 6000 rw-p anon 0 ac   <==\n");
}

static void test_another_page_is_a_mismatch(void **state)
{
	differs(*state, HEADER OP_MMAP "op wr 4000 7\nret 0\nvma =\npg . 4 a 1 . 11\nend\n",
		"    pg   . 4 a 1 . 11                             | . 4 A 1 . 11   <==\n");
	differs(*state, HEADER OP_MMAP "op wr 4000 7\nret 0\nvma =\npg =\nend\n",
		"    pg   . 16                                     | . 4 A 1 . 11   <==\n");
}

static void test_another_callback_or_a_missing_one_is_a_mismatch(void **state)
{
	differs(*state, HEADER OP_MMAP "op munmap 4000 1000\nret 0\nev S CLEAR 4000 5000 bv\nev E UNMAP 4000 5000 bv\n"
		"vma 5000 6000 rw-p anon 0 ac\npg . 16\nend\n",
		"    ev   S CLEAR 4000 5000 bv                     | S UNMAP 4000 5000 bv   <==\n"
		"    ev   E UNMAP 4000 5000 bv                     | E UNMAP 4000 5000 bv\n");
	differs(*state, HEADER OP_MMAP "op munmap 4000 1000\nret 0\nev S UNMAP 4000 5000 bv\n"
		"vma 5000 6000 rw-p anon 0 ac\npg . 16\nend\n",
		"    ev   -                                        | E UNMAP 4000 5000 bv   <==\n");
	differs(*state, HEADER OP_MMAP "op wr 4000 7\nret 0\nev S CLEAR 4000 5000 bv\nvma =\npg . 4 A 1 . 11\nend\n",
		"    ev   S CLEAR 4000 5000 bv                     | -   <==\n");
}

/* 'ev R' differs from run to run of the same kernel. */
static void test_range_callbacks_are_not_compared(void **state)
{
	struct scratch *s = *state;
	static const char text[] = HEADER OP_MMAP "op wr 4000 7\nret 0\nev R - 4000 5000 -\nvma =\npg . 4 A 1 . 11\nend\n";

	write_file(s->path, text, strlen(text));
	assert_tool(0, "ops 2 mismatches 0 unsupported 0\n", NULL, "conform", s->path);
}

static void test_after_a_mismatch_the_rest_of_the_file_is_left_out(void **state)
{
	struct scratch *s = *state;
	static const char text[] = HEADER "op mmap 4000 2000 rw- p,fixed anon 0\nret EINVAL\nvma none\npg . 16\nend\n" OP_WR;

	write_file(s->path, text, strlen(text));
	assert_tool(1, "of which 0 replayed whole\nops 1 mismatches 1 unsupported 0\n", NULL, "conform", s->path);
}

static void test_explain_shows_what_agrees_too(void **state)
{
	struct scratch *s = *state;
	static const char text[] = HEADER OP_MMAP "op wr 4000 7\nret 0\nvma =\npg . 4 a 1 . 11\nend\n";

	write_file(s->path, text, strlen(text));
	assert_tool(1,
		    ":8: wr 4000 7\n"
		    "         recorded                                 | simulated\n"
		    "    rules: result 2.2, events 3.4, VMAs 1.12, entries 2.1 and 2.3\n"
		    "    ret  0                                        | 0\n"
		    "    vma  4000 6000 rw-p anon 0 ac                 | 4000 6000 rw-p anon 0 ac\n"
		    "    pg   . 4 a 1 . 11                             | . 4 A 1 . 11   <==\n",
		    NULL, "conform", "--explain", s->path);
}

/* "pg A 1 . 1 A 1 . 61": every second page, `count` of them; the first as `first`. */
static void put_pages(FILE *file, char first, int count)
{
	int i;

	fprintf(file, "pg %c 1", first);
	for (i = 1; i < count; i++)
		fputs(" . 1 A 1", file);
	fprintf(file, " . %d\nend\n", 64 - 2 * count + 1);
}

/* Every second page is written: the line of pages is far longer than a side.  The last operation says a for A. */
static void test_long_lines_are_wrapped_in_their_half(void **state)
{
	static const char head[] = "# mmtruth 1\nwindow 64\nop mmap 0 40000 rw- p,fixed anon 0\nret 0x0\n"
				   "vma 0 40000 rw-p anon 0 ac\npg . 64\nend\n";
	struct scratch *s = *state;
	FILE *file = fopen(s->path, "w");
	struct tool_run run;
	int count;

	assert_non_null(file);
	fputs(head, file);
	for (count = 1; count <= 32; count++) {
		fprintf(file, "op wr %x 1\nret 0\nvma =\n", (2 * count - 2) << 12);
		put_pages(file, count < 32 ? 'A' : 'a', count);
	}
	fclose(file);
	run = tool("conform", s->path);
	assert_int_equal(run.status, 1);
	assert_says(run.out, "    pg   a 1 . 1 A 1 . 1 A 1 . 1 A 1 . 1 A 1 . 1  | A 1 . 1 A 1 . 1");
	assert_says(run.out, "\n         A 1 . 1 A 1 . 1");
	assert_in_range(widest(strstr(run.out, "    pg")), 60, 100);
	tool_free(&run);
}

#define recordings_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		recordings_test(test_whole_recordings_replay_without_a_mismatch),
		recordings_test(test_the_beginnings_of_random_recordings_replay_without_a_mismatch),
		recordings_test(test_the_small_recording_of_these_tests_agrees),
		recordings_test(test_memory_is_reached_through_its_pages),
		recordings_test(test_first_stops_after_so_many_files),
		recordings_test(test_file_picks_the_recordings_of_that_name),
		recordings_test(test_any_number_of_threads_prints_the_same),
		recordings_test(test_progress_is_told_on_stderr),
		recordings_test(test_what_is_not_supported_is_counted_and_its_verb_is_named),
		recordings_test(test_the_fake_device_has_a_page_table_of_its_own),
		recordings_test(test_a_device_that_is_wrong_is_refused),
		recordings_test(test_huge_pages_are_on_where_the_recording_says_so),
		recordings_test(test_a_file_that_is_no_recording_is_refused),
		recordings_test(test_a_header_that_is_wrong_is_refused),
		recordings_test(test_an_operation_that_is_wrong_is_refused),
		recordings_test(test_an_operation_with_wrong_arguments_is_refused),
		recordings_test(test_a_record_that_is_wrong_is_refused),
		recordings_test(test_files_and_settings_of_the_header_are_read),
		recordings_test(test_a_file_that_is_cut_off_is_refused),
		recordings_test(test_what_cannot_be_opened_is_refused),
		recordings_test(test_a_recording_is_known_by_its_records),
		recordings_test(test_a_folder_is_walked_to_its_end),
		recordings_test(test_another_result_is_a_mismatch),
		recordings_test(test_another_vma_is_a_mismatch),
		recordings_test(test_another_page_is_a_mismatch),
		recordings_test(test_another_callback_or_a_missing_one_is_a_mismatch),
		recordings_test(test_range_callbacks_are_not_compared),
		recordings_test(test_after_a_mismatch_the_rest_of_the_file_is_left_out),
		recordings_test(test_explain_shows_what_agrees_too),
		recordings_test(test_long_lines_are_wrapped_in_their_half),
	};

	if (argc != 3)
		return 2;
	tool_path = argv[1];
	folder = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
