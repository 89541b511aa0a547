// libtorrent's bencode behind plain C functions, for src/libtorrent.rs. No exception leaves them.

#include <libtorrent/bdecode.hpp>
#include <libtorrent/bencode.hpp>
#include <libtorrent/entry.hpp>
#include <libtorrent/file_storage.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/torrent_info.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <new>
#include <vector>

namespace {

// The same fields, in the same order, as `Tally` in src/tally.rs.
struct tally {
	std::uint64_t dicts;
	std::uint64_t lists;
	std::uint64_t strings;
	std::uint64_t string_bytes;
	std::uint64_t first_bytes;
	std::uint64_t integers;
	std::uint64_t integer_sum;
};

void add_string(tally& sums, lt::string_view const text) {
	sums.strings += 1;
	sums.string_bytes += text.size();
	if (!text.empty()) sums.first_bytes += static_cast<unsigned char>(text[0]);
}

void add(tally& sums, lt::bdecode_node const& node) {
	switch (node.type()) {
	case lt::bdecode_node::dict_t: {
		sums.dicts += 1;
		int const size = node.dict_size();
		for (int i = 0; i < size; ++i) {
			auto const entry = node.dict_at(i);
			add_string(sums, entry.first);
			add(sums, entry.second);
		}
		break;
	}
	case lt::bdecode_node::list_t: {
		sums.lists += 1;
		int const size = node.list_size();
		for (int i = 0; i < size; ++i) add(sums, node.list_at(i));
		break;
	}
	case lt::bdecode_node::string_t:
		add_string(sums, node.string_value());
		break;
	case lt::bdecode_node::int_t:
		sums.integers += 1;
		sums.integer_sum += static_cast<std::uint64_t>(node.int_value());
		break;
	case lt::bdecode_node::none_t:
		break;
	}
}

lt::bdecode_node decode(char const* data, std::size_t len, lt::error_code& ec) {
	return lt::bdecode(lt::span<char const>(data, static_cast<std::ptrdiff_t>(len)), ec);
}

// The same fields, in the same order, as `Loaded` in src/libtorrent.rs.
struct loaded {
	std::uint64_t files;
	std::uint64_t path_bytes;
	unsigned char info_hash[20];
};

struct tree {
	lt::entry root;
	std::vector<char> buffer;
};

} // namespace

extern "C" {

// How many bytes the root takes; 0 if they are no message.
std::size_t overlay_lt_bdecode(char const* data, std::size_t len) noexcept try {
	lt::error_code ec;
	lt::bdecode_node const root = decode(data, len, ec);
	if (ec) return 0;
	return static_cast<std::size_t>(root.data_section().size());
} catch (...) {
	return 0;
}

bool overlay_lt_tally(char const* data, std::size_t len, tally* sums) noexcept try {
	lt::error_code ec;
	lt::bdecode_node const root = decode(data, len, ec);
	if (ec) return false;
	add(*sums, root);
	return true;
} catch (...) {
	return false;
}

// A tree with a buffer for its encoding, for overlay_lt_tree_free; null if the bytes are no message.
tree* overlay_lt_tree_new(char const* data, std::size_t len) noexcept try {
	lt::error_code ec;
	lt::bdecode_node const root = decode(data, len, ec);
	if (ec) return nullptr;
	return new tree{lt::entry(root), {}};
} catch (...) {
	return nullptr;
}

void overlay_lt_tree_free(tree* t) noexcept { delete t; }

// Encodes as bencode()'s documentation says, into a buffer that keeps its capacity. What is returned
// stands until the next call for this tree; null if there was no memory.
char const* overlay_lt_encode(tree* t, std::size_t* len) noexcept try {
	t->buffer.clear();
	lt::bencode(std::back_inserter(t->buffer), t->root);
	*len = t->buffer.size();
	return t->buffer.data();
} catch (...) {
	return nullptr;
}

// The same through a bare pointer, for which libtorrent copies strings at once and nothing checks the
// buffer's end. So the caller must know the length; here it is that of the last encoding, which
// overlay_lt_encode has to have done before.
char const* overlay_lt_encode_unchecked(tree* t, std::size_t* len) noexcept try {
	*len = static_cast<std::size_t>(lt::bencode(t->buffer.data(), t->root));
	return t->buffer.data();
} catch (...) {
	return nullptr;
}

// A torrent_info, which has the info-hashes and makes paths safe as it is built; with the paths of all
// files as text if they are wanted.
bool overlay_lt_load(char const* data, std::size_t len, bool paths, loaded* out) noexcept try {
	lt::error_code ec;
	lt::torrent_info const info(
		lt::span<char const>(data, static_cast<std::ptrdiff_t>(len)), ec, lt::from_span);
	if (ec) return false;
	lt::file_storage const& files = info.files();
	out->files = static_cast<std::uint64_t>(files.num_files());
	if (paths) {
		for (lt::file_index_t const i : files.file_range()) {
			out->path_bytes += files.file_path(i).size();
		}
	}
	lt::sha1_hash const hash = info.info_hashes().v1;
	std::memcpy(out->info_hash, hash.data(), sizeof(out->info_hash));
	return true;
} catch (...) {
	return false;
}

// SHA-1 of each chunk of the data, 20 bytes each, with whatever the library was built to hash with.
bool overlay_lt_sha1(char const* data, std::size_t len, std::size_t chunk, char* out) noexcept try {
	for (std::size_t at = 0; at < len; at += chunk) {
		std::size_t const size = len - at < chunk ? len - at : chunk;
		lt::sha1_hash const hash = lt::hasher(data + at, static_cast<int>(size)).final();
		std::memcpy(out, hash.data(), 20);
		out += 20;
	}
	return true;
} catch (...) {
	return false;
}

// SHA-256 of each chunk, 32 bytes each.
bool overlay_lt_sha256(char const* data, std::size_t len, std::size_t chunk, char* out) noexcept try {
	for (std::size_t at = 0; at < len; at += chunk) {
		std::size_t const size = len - at < chunk ? len - at : chunk;
		lt::sha256_hash const hash =
			lt::hasher256(data + at, static_cast<int>(size)).final();
		std::memcpy(out, hash.data(), 32);
		out += 32;
	}
	return true;
} catch (...) {
	return false;
}

} // extern "C"
