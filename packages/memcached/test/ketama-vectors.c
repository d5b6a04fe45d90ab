/*
 * Writes ketama-vectors.json: where the real libmemcached (1.1.4) puts 2000 keys, for several lists of
 * servers, with MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED. Run it again with
 *
 *   apt-get install libmemcached-dev
 *   gcc ketama-vectors.c -lmemcached -o /tmp/ketama-vectors && /tmp/ketama-vectors > ketama-vectors.json
 *
 * Key number n is "coatcheck:n". `places` has one letter a key: a for the first server, b for the second.
 */
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <string.h>

#define KEYS 2000
#define MOST 12

struct server {
  const char *host; /* a unix socket where it begins with / */
  int port;
  int weight;
};

struct list {
  const char *name;
  struct server servers[MOST];
};

static const struct list lists[] = {
  {"even, on port 11211", {{"10.0.0.1", 11211, 1}, {"10.0.0.2", 11211, 1}, {"10.0.0.3", 11211, 1}}},
  {"even, on other ports",
   {{"10.0.0.1", 11212, 1}, {"10.0.0.1", 11213, 1}, {"10.0.0.1", 11214, 1}, {"10.0.0.2", 1, 1}}},
  {"even, on port 11211 and others, by name",
   {{"cache-1.example.com", 11211, 1}, {"cache-2.example.com", 22122, 1}, {"localhost", 65535, 1}}},
  {"weighted", {{"10.0.0.1", 11211, 1}, {"10.0.0.2", 11211, 2}, {"10.0.0.3", 11211, 5}}},
  {"weighted, on other ports",
   {{"10.0.0.1", 11311, 3}, {"10.0.0.2", 11411, 7}, {"10.0.0.3", 11511, 11}, {"10.0.0.4", 11611, 13}}},
  {"weighted unlike", {{"one", 11211, 12}, {"two", 11211, 30}, {"three", 11212, 1000}, {"four", 11211, 400}}},
  {"two that are even", {{"10.0.0.1", 11211, 1}, {"10.0.0.2", 11211, 1}}},
  {"one alone", {{"10.0.0.1", 11212, 3}}},
  {"IPv6", {{"::1", 11211, 1}, {"::1", 11212, 1}, {"2001:db8::7", 11213, 2}}},
  {"unix sockets", {{"/run/one.sock", 0, 1}, {"/run/two.sock", 0, 1}, {"10.0.0.1", 11211, 2}}},
  {"twelve",
   {{"10.0.0.1", 11211, 1}, {"10.0.0.2", 11211, 1}, {"10.0.0.3", 11211, 1}, {"10.0.0.4", 11211, 1},
    {"10.0.0.5", 11211, 1}, {"10.0.0.6", 11211, 1}, {"10.0.0.7", 11211, 2}, {"10.0.0.8", 11211, 1},
    {"10.0.0.9", 11211, 1}, {"10.0.0.10", 11211, 3}, {"10.0.0.11", 11211, 1}, {"10.0.0.12", 11211, 1}}},
};

static void add(memcached_st *memc, const struct server *server) {
  if (server->host[0] == '/')
    memcached_server_add_unix_socket_with_weight(memc, server->host, server->weight);
  else
    memcached_server_add_with_weight(memc, server->host, server->port, server->weight);
}

static void print_name(const struct server *server) {
  const char *format = strchr(server->host, ':') ? "[%s]:%d" : "%s:%d";
  if (server->host[0] == '/') printf("%s", server->host);
  else printf(format, server->host, server->port);
}

static void print_list(const struct list *list) {
  memcached_st *memc = memcached_create(NULL);
  memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  printf("    {\n      \"name\": \"%s\",\n      \"servers\": [\n", list->name);
  for (int at = 0; at < MOST && list->servers[at].host; at++) {
    add(memc, &list->servers[at]);
    printf("%s        { \"address\": \"", at ? ",\n" : "");
    print_name(&list->servers[at]);
    printf("\", \"weight\": %d }", list->servers[at].weight);
  }
  printf("\n      ],\n      \"places\": \"");
  for (int at = 0; at < KEYS; at++) {
    char key[32];
    int length = snprintf(key, sizeof key, "coatcheck:%d", at);
    putchar('a' + memcached_generate_hash(memc, key, length));
  }
  printf("\"\n    }");
  memcached_free(memc);
}

int main(void) {
  printf("{\n  \"libmemcached\": \"%s\",\n  \"lists\": [\n", memcached_lib_version());
  for (size_t at = 0; at < sizeof lists / sizeof lists[0]; at++) {
    if (at) printf(",\n");
    print_list(&lists[at]);
  }
  printf("\n  ]\n}\n");
  return 0;
}
