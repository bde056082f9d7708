/*
** $Id: lstring.c $
** String table (keeps all strings handled by Lua)
** See Copyright Notice in lua.h
*/

#define lstring_c
#define LUA_CORE

#include "lprefix.h"


#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lua.h"

#include "ldebug.h"
#include "ldo.h"
#include "lmem.h"
#include "lobject.h"
#include "lstate.h"
#include "lstring.h"


/*
** Maximum size for string table.
*/
#define MAXSTRTB	(1 << 21)  /* gatepost: its vector is copied in one step */


/*
** equality for long strings
*/
int luaS_eqlngstr (TString *a, TString *b) {
  size_t len = a->u.lnglen;
  lua_assert(a->tt == LUA_VLNGSTR && b->tt == LUA_VLNGSTR);
  return (a == b) ||  /* same instance or... */
    ((len == b->u.lnglen) &&  /* equal length and ... */
     (memcmp(getlngstr(a), getlngstr(b), len) == 0));  /* equal contents */
}


/*
** gatepost: what hashes are keyed with, one for the process.
*/
lua_Unsigned luai_secret[2];


static void makesecret (void) {
  if (getentropy(luai_secret, sizeof(luai_secret)) != 0) {
    luai_secret[0] ^= cast(lua_Unsigned, time(NULL));  /* better than none */
    luai_secret[1] ^= cast(lua_Unsigned, cast_sizet(&makesecret));
  }
}


void luaS_makesecret (void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, makesecret);
}


/*
** gatepost: a keyed hash, for who knows no secret can't make strings
** that collide.
*/
static lua_Unsigned read8 (const char *str) {
  lua_Unsigned word;
  memcpy(&word, str, 8);
  return word;
}


static lua_Unsigned read4 (const char *str) {
  l_uint32 word;
  memcpy(&word, str, 4);
  return word;
}


unsigned int luaS_hash (const char *str, size_t l, unsigned int seed) {
  lua_Unsigned h = seed ^ ((lua_Unsigned)l << 32);
  lua_Unsigned a = 0, b = 0;
  for (; l > 16; l -= 16, str += 16)
    h = luai_mix(read8(str), read8(str + 8) ^ h);
  /* what is left is read in pieces that may overlap; 'h' has the length */
  if (l >= 8) {
    a = read8(str);
    b = read8(str + l - 8);
  }
  else if (l >= 4)
    a = read4(str) | (read4(str + l - 4) << 32);
  else if (l > 0)
    a = cast_byte(str[0]) | (cast_byte(str[l / 2]) << 8) |
        (cast_byte(str[l - 1]) << 16);
  return (unsigned int)luai_mix(a, b ^ h);
}


unsigned int luaS_hashlongstr (TString *ts) {
  lua_assert(ts->tt == LUA_VLNGSTR);
  if (ts->extra == 0) {  /* no hash? */
    size_t len = ts->u.lnglen;
    ts->hash = luaS_hash(getlngstr(ts), len, ts->hash);
    ts->extra = 1;  /* now it has its hash */
  }
  return ts->hash;
}


/*
** gatepost: The string table grows and shrinks by a few lists at a time.
** After its vector is doubled, the strings of each list of the lower half
** are shared out between it and the list of the same place in the upper
** half; 'split' lists are shared out already. (Linear hashing.)
*/
#define half(tb)	((tb)->size / 2)


static TString **listof (stringtable *tb, unsigned int h) {
  int i = lmod(h, tb->size);
  if (i >= half(tb) + tb->split)  /* no such list yet? */
    i -= half(tb);
  return &tb->hash[i];
}


/*
** Shares out one more list.
*/
static void splitone (stringtable *tb) {
  TString *p = tb->hash[tb->split];
  TString **low = &tb->hash[tb->split];
  TString **high = &tb->hash[half(tb) + tb->split];
  *low = *high = NULL;
  while (p) {  /* for each string in the list */
    TString *hnext = p->u.hnext;  /* save next */
    TString **list = (p->hash & cast_uint(half(tb))) ? high : low;
    p->u.hnext = *list;
    *list = p;
    p = hnext;
  }
  tb->split++;
}


/*
** Brings together again what was shared out last.
*/
static void joinone (stringtable *tb) {
  TString **low, *high;
  tb->split--;
  low = &tb->hash[tb->split];
  high = tb->hash[half(tb) + tb->split];
  while (*low)  /* find the end of the list */
    low = &(*low)->u.hnext;
  *low = high;
}


/*
** Changes the size of the vector; lists are neither shared out nor
** brought together. If allocation fails, keep the current size. (This can
** degrade performance, but any non-zero size should work correctly.)
*/
static void resize (lua_State *L, int nsize, int split) {
  stringtable *tb = &G(L)->strt;
  TString **newvect = luaM_reallocvector(L, tb->hash, tb->size, nsize, TString*);
  if (l_likely(newvect != NULL)) {
    tb->hash = newvect;
    tb->size = nsize;
    tb->split = split;
  }
}


/*
** Shrinks a string table that is too large by as much as was brought
** together since the last time.
*/
void luaS_shrink (lua_State *L) {
  stringtable *tb = &G(L)->strt;
  if (tb->split == 0 && half(tb) >= MINSTRTABSIZE)
    resize(L, half(tb), half(tb) / 2);
}


/*
** Clear API string cache. (Entries cannot be empty, so fill them with
** a non-collectable string.)
*/
void luaS_clearcache (global_State *g) {
  int i, j;
  for (i = 0; i < STRCACHE_N; i++)
    for (j = 0; j < STRCACHE_M; j++) {
      if (iswhite(g->strcache[i][j]))  /* will entry be collected? */
        g->strcache[i][j] = g->memerrmsg;  /* replace it with something fixed */
    }
}


/*
** Initialize the string table and the string cache
*/
void luaS_init (lua_State *L) {
  global_State *g = G(L);
  int i, j;
  stringtable *tb = &G(L)->strt;
  tb->hash = luaM_newvector(L, MINSTRTABSIZE, TString*);
  for (i = 0; i < MINSTRTABSIZE; i++)  /* clear array */
    tb->hash[i] = NULL;
  tb->size = MINSTRTABSIZE;
  tb->split = half(tb);
  /* pre-create memory-error message */
  g->memerrmsg = luaS_newliteral(L, MEMERRMSG);
  luaC_fix(L, obj2gco(g->memerrmsg));  /* it should never be collected */
  for (i = 0; i < STRCACHE_N; i++)  /* fill cache with valid strings */
    for (j = 0; j < STRCACHE_M; j++)
      g->strcache[i][j] = g->memerrmsg;
}



/*
** creates a new string object
*/
static TString *createstrobj (lua_State *L, size_t l, int tag, unsigned int h) {
  TString *ts;
  GCObject *o;
  size_t totalsize;  /* total size of TString object */
  totalsize = sizelstring(l);
  o = luaC_newobj(L, tag, totalsize);
  ts = gco2ts(o);
  ts->hash = h;
  ts->extra = 0;
  getstr(ts)[l] = '\0';  /* ending 0 */
  return ts;
}


TString *luaS_createlngstrobj (lua_State *L, size_t l) {
  TString *ts = createstrobj(L, l, LUA_VLNGSTR, G(L)->seed);
  luai_note(L, cast(l_mem, l / 16));  /* gatepost */
  ts->u.lnglen = l;
  ts->shrlen = 0xFF;  /* signals that it is a long string */
  return ts;
}


void luaS_remove (lua_State *L, TString *ts) {
  stringtable *tb = &G(L)->strt;
  TString **p = listof(tb, ts->hash);
  while (*p != ts)  /* find previous element */
    p = &(*p)->u.hnext;
  *p = (*p)->u.hnext;  /* remove element from its list */
  tb->nuse--;
  if (tb->nuse < tb->size / 4 && !G(L)->gcemergency) {  /* too big? */
    if (tb->split > 0) joinone(tb);
    if (tb->split > 0) joinone(tb);
  }
}


static void growstrtab (lua_State *L, stringtable *tb) {
  if (l_unlikely(tb->nuse == MAX_INT)) {  /* too many strings? */
    luaC_fullgc(L, 1);  /* try to free some... */
    if (tb->nuse == MAX_INT)  /* still too many? */
      luaM_error(L);  /* cannot even create a message... */
  }
  if (tb->split == half(tb) && tb->size <= MAXSTRTB / 2)  /* can it grow? */
    resize(L, tb->size * 2, 0);
}


/*
** Checks whether short string exists and reuses it or creates a new one.
*/
static TString *internshrstr (lua_State *L, const char *str, size_t l) {
  TString *ts;
  global_State *g = G(L);
  stringtable *tb = &g->strt;
  unsigned int h = luaS_hash(str, l, g->seed);
  TString **list = listof(tb, h);
  lua_assert(str != NULL);  /* otherwise 'memcmp'/'memcpy' are undefined */
  for (ts = *list; ts != NULL; ts = ts->u.hnext) {
    if (l == ts->shrlen && (memcmp(str, getshrstr(ts), l * sizeof(char)) == 0)) {
      /* found! */
      if (isdead(g, ts))  /* dead (but not collected yet)? */
        changewhite(ts);  /* resurrect it */
      return ts;
    }
  }
  /* else must create a new string */
  if (tb->nuse >= tb->size)  /* need to grow string table? */
    growstrtab(L, tb);
  if (tb->split < half(tb) && tb->nuse >= tb->size / 4) {
    splitone(tb);
    if (tb->split < half(tb)) splitone(tb);
  }
  ts = createstrobj(L, l, LUA_VSHRSTR, h);
  list = listof(tb, h);  /* lists may have changed */
  ts->shrlen = cast_byte(l);
  memcpy(getshrstr(ts), str, l * sizeof(char));
  ts->u.hnext = *list;
  *list = ts;
  tb->nuse++;
  return ts;
}


/*
** new string (with explicit length)
*/
TString *luaS_newlstr (lua_State *L, const char *str, size_t l) {
  if (l <= LUAI_MAXSHORTLEN)  /* short string? */
    return internshrstr(L, str, l);
  else {
    TString *ts;
    if (l_unlikely(l * sizeof(char) >= (MAX_SIZE - sizeof(TString))))
      luaM_toobig(L);
    ts = luaS_createlngstrobj(L, l);
    memcpy(getlngstr(ts), str, l * sizeof(char));
    return ts;
  }
}


/*
** Create or reuse a zero-terminated string, first checking in the
** cache (using the string address as a key). The cache can contain
** only zero-terminated strings, so it is safe to use 'strcmp' to
** check hits.
*/
TString *luaS_new (lua_State *L, const char *str) {
  unsigned int i = point2uint(str) % STRCACHE_N;  /* hash */
  int j;
  TString **p = G(L)->strcache[i];
  for (j = 0; j < STRCACHE_M; j++) {
    if (strcmp(str, getstr(p[j])) == 0)  /* hit? */
      return p[j];  /* that is it */
  }
  /* normal route */
  for (j = STRCACHE_M - 1; j > 0; j--)
    p[j] = p[j - 1];  /* move out last element */
  /* new element is first in the list */
  p[0] = luaS_newlstr(L, str, strlen(str));
  return p[0];
}


Udata *luaS_newudata (lua_State *L, size_t s, int nuvalue) {
  Udata *u;
  int i;
  GCObject *o;
  if (l_unlikely(s > MAX_SIZE - udatamemoffset(nuvalue)))
    luaM_toobig(L);
  o = luaC_newobj(L, LUA_VUSERDATA, sizeudata(nuvalue, s));
  u = gco2u(o);
  u->len = s;
  u->nuvalue = nuvalue;
  u->metatable = NULL;
  for (i = 0; i < nuvalue; i++)
    setnilvalue(&u->uv[i].uv);
  return u;
}

