#include "text/letters.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* U+00C0 … U+024F: letters without their diacritics; 0: as it is. */
static const uint16_t latin_base[] = {
    'A', 'A',  'A',  'A', 'A', 'A', 0,   'C', 'E', 'E', 'E',  'E',  'I', 'I',   'I',   'I', 'D',
    'N', 'O',  'O',  'O', 'O', 'O', 0,   'O', 'U', 'U', 'U',  'U',  'Y', 0,     0,     'a', 'a',
    'a', 'a',  'a',  'a', 0,   'c', 'e', 'e', 'e', 'e', 'i',  'i',  'i', 'i',   'd',   'n', 'o',
    'o', 'o',  'o',  'o', 0,   'o', 'u', 'u', 'u', 'u', 'y',  0,    'y', 'A',   'a',   'A', 'a',
    'A', 'a',  'C',  'c', 'C', 'c', 'C', 'c', 'C', 'c', 'D',  'd',  'D', 'd',   'E',   'e', 'E',
    'e', 'E',  'e',  'E', 'e', 'E', 'e', 'G', 'g', 'G', 'g',  'G',  'g', 'G',   'g',   'H', 'h',
    'H', 'h',  'I',  'i', 'I', 'i', 'I', 'i', 'I', 'i', 'I',  'i',  0,   0,     'J',   'j', 'K',
    'k', 0,    'L',  'l', 'L', 'l', 'L', 'l', 'L', 'l', 'L',  'l',  'N', 'n',   'N',   'n', 'N',
    'n', 'n',  0,    0,   'O', 'o', 'O', 'o', 'O', 'o', 0,    0,    'R', 'r',   'R',   'r', 'R',
    'r', 'S',  's',  'S', 's', 'S', 's', 'S', 's', 'T', 't',  'T',  't', 'T',   't',   'U', 'u',
    'U', 'u',  'U',  'u', 'U', 'u', 'U', 'u', 'U', 'u', 'W',  'w',  'Y', 'y',   'Y',   'Z', 'z',
    'Z', 'z',  'Z',  'z', 's', 'b', 0,   0,   0,   0,   0,    0,    0,   0,     0,     0,   0,
    0,   0,    0,    0,   0,   0,   'f', 0,   0,   0,   0,    'I',  0,   0,     0,     0,   0,
    0,   0,    0,    'O', 'o', 0,   0,   0,   0,   0,   0,    0,    0,   0,     0,     0,   0,
    0,   'U',  'u',  0,   0,   0,   0,   0,   0,   0,   0,    0,    0,   0,     0,     0,   0,
    0,   0,    0,    0,   0,   0,   0,   0,   0,   0,   0,    0,    0,   0,     'A',   'a', 'I',
    'i', 'O',  'o',  'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u',  'U',  'u', 0,     'A',   'a', 'A',
    'a', 0xC6, 0xE6, 0,   0,   'G', 'g', 'K', 'k', 'O', 'o',  'O',  'o', 0x1B7, 0x292, 'j', 0,
    0,   0,    'G',  'g', 0,   0,   'N', 'n', 'A', 'a', 0xC6, 0xE6, 'O', 'o',   'A',   'a', 'A',
    'a', 'E',  'e',  'E', 'e', 'I', 'i', 'I', 'i', 'O', 'o',  'O',  'o', 'R',   'r',   'R', 'r',
    'U', 'u',  'U',  'u', 'S', 's', 'T', 't', 0,   0,   'H',  'h',  0,   0,     0,     0,   0,
    0,   'A',  'a',  'E', 'e', 'O', 'o', 'O', 'o', 'O', 'o',  'O',  'o', 'Y',   'y',   0,   0,
    0,   0,    0,    0,   0,   0,   0,   0,   0,   0,   0,    0,    0,   0,     0,     0,   0,
    0,   0,    0,    0,   0,   0,   0,   0,   0};

/* U+1E00 … U+1EFF. */
static const uint16_t latin_more_base[] = {
    'A', 'a', 'B', 'b', 'B', 'b', 'B', 'b', 'C', 'c', 'D', 'd', 'D', 'd', 'D', 'd', 'D', 'd', 'D',
    'd', 'E', 'e', 'E', 'e', 'E', 'e', 'E', 'e', 'E', 'e', 'F', 'f', 'G', 'g', 'H', 'h', 'H', 'h',
    'H', 'h', 'H', 'h', 'H', 'h', 'I', 'i', 'I', 'i', 'K', 'k', 'K', 'k', 'K', 'k', 'L', 'l', 'L',
    'l', 'L', 'l', 'L', 'l', 'M', 'm', 'M', 'm', 'M', 'm', 'N', 'n', 'N', 'n', 'N', 'n', 'N', 'n',
    'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'P', 'p', 'P', 'p', 'R', 'r', 'R', 'r', 'R', 'r', 'R',
    'r', 'S', 's', 'S', 's', 'S', 's', 'S', 's', 'S', 's', 'T', 't', 'T', 't', 'T', 't', 'T', 't',
    'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'V', 'v', 'V', 'v', 'W', 'w', 'W', 'w', 'W',
    'w', 'W', 'w', 'W', 'w', 'X', 'x', 'X', 'x', 'Y', 'y', 'Z', 'z', 'Z', 'z', 'Z', 'z', 'h', 't',
    'w', 'y', 'a', 's', 0,   0,   0,   0,   'A', 'a', 'A', 'a', 'A', 'a', 'A', 'a', 'A', 'a', 'A',
    'a', 'A', 'a', 'A', 'a', 'A', 'a', 'A', 'a', 'A', 'a', 'A', 'a', 'E', 'e', 'E', 'e', 'E', 'e',
    'E', 'e', 'E', 'e', 'E', 'e', 'E', 'e', 'E', 'e', 'I', 'i', 'I', 'i', 'O', 'o', 'O', 'o', 'O',
    'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o', 'O', 'o',
    'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'U', 'u', 'Y', 'y', 'Y', 'y', 'Y',
    'y', 'Y', 'y', 0,   0,   0,   0,   0,   0};

/* U+0386 … U+03CE: Greek without tonos and dialytika. */
static const uint16_t greek_base[] = {
    0x391, 0xB7, 0x395, 0x397, 0x399, 0, 0x39F, 0,     0x3A5, 0x3A9, 0x3B9, 0,     0,     0, 0,
    0,     0,    0,     0,     0,     0, 0,     0,     0,     0,     0,     0,     0,     0, 0,
    0,     0,    0,     0,     0,     0, 0x399, 0x3A5, 0x3B1, 0x3B5, 0x3B7, 0x3B9, 0x3C5, 0, 0,
    0,     0,    0,     0,     0,     0, 0,     0,     0,     0,     0,     0,     0,     0, 0,
    0,     0,    0,     0,     0,     0, 0,     0,     0x3B9, 0x3C5, 0x3BF, 0x3C5, 0x3C9};

/* U+FB1D … U+FB4E: Hebrew letters with points in one piece, and wide ones. */
static const uint16_t hebrew_forms_base[] = {
    0x5D9, 0,     0x5F2, 0x5E2, 0x5D0, 0x5D3, 0x5D4, 0x5DB, 0x5DC, 0x5DD, 0x5E8, 0x5EA, 0x2B,
    0x5E9, 0x5E9, 0x5E9, 0x5E9, 0x5D0, 0x5D0, 0x5D0, 0x5D1, 0x5D2, 0x5D3, 0x5D4, 0x5D5, 0x5D6,
    0,     0x5D8, 0x5D9, 0x5DA, 0x5DB, 0x5DC, 0,     0x5DE, 0,     0x5E0, 0x5E1, 0,     0x5E3,
    0x5E4, 0,     0x5E6, 0x5E7, 0x5E8, 0x5E9, 0x5EA, 0x5D5, 0x5D1, 0x5DB, 0x5E4};

/* U+FB50 … U+FBB1: Arabic letters as drawn at a place in a word. */
static const uint16_t arabic_forms_a_base[] = {
    0x671, 0x671, 0x67B, 0x67B, 0x67B, 0x67B, 0x67E, 0x67E, 0x67E, 0x67E, 0x680, 0x680, 0x680,
    0x680, 0x67A, 0x67A, 0x67A, 0x67A, 0x67F, 0x67F, 0x67F, 0x67F, 0x679, 0x679, 0x679, 0x679,
    0x6A4, 0x6A4, 0x6A4, 0x6A4, 0x6A6, 0x6A6, 0x6A6, 0x6A6, 0x684, 0x684, 0x684, 0x684, 0x683,
    0x683, 0x683, 0x683, 0x686, 0x686, 0x686, 0x686, 0x687, 0x687, 0x687, 0x687, 0x68D, 0x68D,
    0x68C, 0x68C, 0x68E, 0x68E, 0x688, 0x688, 0x698, 0x698, 0x691, 0x691, 0x6A9, 0x6A9, 0x6A9,
    0x6A9, 0x6AF, 0x6AF, 0x6AF, 0x6AF, 0x6B3, 0x6B3, 0x6B3, 0x6B3, 0x6B1, 0x6B1, 0x6B1, 0x6B1,
    0x6BA, 0x6BA, 0x6BB, 0x6BB, 0x6BB, 0x6BB, 0x6D5, 0x6D5, 0x6C1, 0x6C1, 0x6C1, 0x6C1, 0x6BE,
    0x6BE, 0x6BE, 0x6BE, 0x6D2, 0x6D2, 0x6D2, 0x6D2};

/* U+FE80 … U+FEFC: the same, second block. */
static const uint16_t arabic_forms_b_base[] = {
    0x621, 0x627, 0x627, 0x627, 0x627, 0x648, 0x648, 0x627, 0x627, 0x64A, 0x64A, 0x64A, 0x64A,
    0x627, 0x627, 0x628, 0x628, 0x628, 0x628, 0x629, 0x629, 0x62A, 0x62A, 0x62A, 0x62A, 0x62B,
    0x62B, 0x62B, 0x62B, 0x62C, 0x62C, 0x62C, 0x62C, 0x62D, 0x62D, 0x62D, 0x62D, 0x62E, 0x62E,
    0x62E, 0x62E, 0x62F, 0x62F, 0x630, 0x630, 0x631, 0x631, 0x632, 0x632, 0x633, 0x633, 0x633,
    0x633, 0x634, 0x634, 0x634, 0x634, 0x635, 0x635, 0x635, 0x635, 0x636, 0x636, 0x636, 0x636,
    0x637, 0x637, 0x637, 0x637, 0x638, 0x638, 0x638, 0x638, 0x639, 0x639, 0x639, 0x639, 0x63A,
    0x63A, 0x63A, 0x63A, 0x641, 0x641, 0x641, 0x641, 0x642, 0x642, 0x642, 0x642, 0x643, 0x643,
    0x643, 0x643, 0x644, 0x644, 0x644, 0x644, 0x645, 0x645, 0x645, 0x645, 0x646, 0x646, 0x646,
    0x646, 0x647, 0x647, 0x647, 0x647, 0x648, 0x648, 0x649, 0x649, 0x64A, 0x64A, 0x64A, 0x64A,
    0,     0,     0,     0,     0,     0,     0,     0};

/* One character that is two or three letters. Sorted. */
static const struct {
    uint16_t code;
    uint16_t letters[3];
} expansions[] = {{0xC6, {'A', 'E'}},       {0xDE, {'T', 'H'}},        {0xDF, {'s', 's'}},
                  {0xE6, {'a', 'e'}},       {0xFE, {'t', 'h'}},        {0x132, {'I', 'J'}},
                  {0x133, {'i', 'j'}},      {0x152, {'O', 'E'}},       {0x153, {'o', 'e'}},
                  {0x1C4, {'D', 'Z'}},      {0x1C5, {'D', 'z'}},       {0x1C6, {'d', 'z'}},
                  {0x1C7, {'L', 'J'}},      {0x1C8, {'L', 'j'}},       {0x1C9, {'l', 'j'}},
                  {0x1CA, {'N', 'J'}},      {0x1CB, {'N', 'j'}},       {0x1CC, {'n', 'j'}},
                  {0x1F1, {'D', 'Z'}},      {0x1F2, {'D', 'z'}},       {0x1F3, {'d', 'z'}},
                  {0x5F0, {0x5D5, 0x5D5}},  {0x5F1, {0x5D5, 0x5D9}},   {0x5F2, {0x5D9, 0x5D9}},
                  {0x1E9E, {'S', 'S'}},     {0xFB00, {'f', 'f'}},      {0xFB01, {'f', 'i'}},
                  {0xFB02, {'f', 'l'}},     {0xFB03, {'f', 'f', 'i'}}, {0xFB04, {'f', 'f', 'l'}},
                  {0xFB1F, {0x5D9, 0x5D9}}, {0xFEF5, {0x644, 0x627}},  {0xFEF6, {0x644, 0x627}},
                  {0xFEF7, {0x644, 0x627}}, {0xFEF8, {0x644, 0x627}},  {0xFEF9, {0x644, 0x627}},
                  {0xFEFA, {0x644, 0x627}}, {0xFEFB, {0x644, 0x627}},  {0xFEFC, {0x644, 0x627}}};

/* Capital letters: first, last, what to add, and whether every one or every second of them. */
static const struct capitals {
    uint32_t first;
    uint32_t last;
    int32_t add;
    uint32_t step;
} capitals[] = {
    {0xB5, 0xB5, 775, 1},        {0xC0, 0xD6, 32, 1},         {0xD8, 0xDE, 32, 1},
    {0x100, 0x12E, 1, 2},        {0x132, 0x136, 1, 2},        {0x139, 0x147, 1, 2},
    {0x14A, 0x176, 1, 2},        {0x178, 0x178, -121, 1},     {0x179, 0x17D, 1, 2},
    {0x17F, 0x17F, -268, 1},     {0x181, 0x181, 210, 1},      {0x182, 0x184, 1, 2},
    {0x186, 0x186, 206, 1},      {0x187, 0x187, 1, 1},        {0x189, 0x18A, 205, 1},
    {0x18B, 0x18B, 1, 1},        {0x18E, 0x18E, 79, 1},       {0x18F, 0x18F, 202, 1},
    {0x190, 0x190, 203, 1},      {0x191, 0x191, 1, 1},        {0x193, 0x193, 205, 1},
    {0x194, 0x194, 207, 1},      {0x196, 0x196, 211, 1},      {0x197, 0x197, 209, 1},
    {0x198, 0x198, 1, 1},        {0x19C, 0x19C, 211, 1},      {0x19D, 0x19D, 213, 1},
    {0x19F, 0x19F, 214, 1},      {0x1A0, 0x1A4, 1, 2},        {0x1A6, 0x1A6, 218, 1},
    {0x1A7, 0x1A7, 1, 1},        {0x1A9, 0x1A9, 218, 1},      {0x1AC, 0x1AC, 1, 1},
    {0x1AE, 0x1AE, 218, 1},      {0x1AF, 0x1AF, 1, 1},        {0x1B1, 0x1B2, 217, 1},
    {0x1B3, 0x1B5, 1, 2},        {0x1B7, 0x1B7, 219, 1},      {0x1B8, 0x1B8, 1, 1},
    {0x1BC, 0x1BC, 1, 1},        {0x1C4, 0x1C4, 2, 1},        {0x1C5, 0x1C5, 1, 1},
    {0x1C7, 0x1C7, 2, 1},        {0x1C8, 0x1C8, 1, 1},        {0x1CA, 0x1CA, 2, 1},
    {0x1CB, 0x1DB, 1, 2},        {0x1DE, 0x1EE, 1, 2},        {0x1F1, 0x1F1, 2, 1},
    {0x1F2, 0x1F4, 1, 2},        {0x1F6, 0x1F6, -97, 1},      {0x1F7, 0x1F7, -56, 1},
    {0x1F8, 0x21E, 1, 2},        {0x220, 0x220, -130, 1},     {0x222, 0x232, 1, 2},
    {0x23A, 0x23A, 10795, 1},    {0x23B, 0x23B, 1, 1},        {0x23D, 0x23D, -163, 1},
    {0x23E, 0x23E, 10792, 1},    {0x241, 0x241, 1, 1},        {0x243, 0x243, -195, 1},
    {0x244, 0x244, 69, 1},       {0x245, 0x245, 71, 1},       {0x246, 0x24E, 1, 2},
    {0x345, 0x345, 116, 1},      {0x370, 0x372, 1, 2},        {0x376, 0x376, 1, 1},
    {0x37F, 0x37F, 116, 1},      {0x386, 0x386, 38, 1},       {0x388, 0x38A, 37, 1},
    {0x38C, 0x38C, 64, 1},       {0x38E, 0x38F, 63, 1},       {0x391, 0x3A1, 32, 1},
    {0x3A3, 0x3AB, 32, 1},       {0x3C2, 0x3C2, 1, 1},        {0x3CF, 0x3CF, 8, 1},
    {0x3D0, 0x3D0, -30, 1},      {0x3D1, 0x3D1, -25, 1},      {0x3D5, 0x3D5, -15, 1},
    {0x3D6, 0x3D6, -22, 1},      {0x3D8, 0x3EE, 1, 2},        {0x3F0, 0x3F0, -54, 1},
    {0x3F1, 0x3F1, -48, 1},      {0x3F4, 0x3F4, -60, 1},      {0x3F5, 0x3F5, -64, 1},
    {0x3F7, 0x3F7, 1, 1},        {0x3F9, 0x3F9, -7, 1},       {0x3FA, 0x3FA, 1, 1},
    {0x3FD, 0x3FF, -130, 1},     {0x400, 0x40F, 80, 1},       {0x410, 0x42F, 32, 1},
    {0x460, 0x480, 1, 2},        {0x48A, 0x4BE, 1, 2},        {0x4C0, 0x4C0, 15, 1},
    {0x4C1, 0x4CD, 1, 2},        {0x4D0, 0x52E, 1, 2},        {0x531, 0x556, 48, 1},
    {0x10A0, 0x10C5, 7264, 1},   {0x10C7, 0x10C7, 7264, 1},   {0x10CD, 0x10CD, 7264, 1},
    {0x13F8, 0x13FD, -8, 1},     {0x1C80, 0x1C80, -6222, 1},  {0x1C81, 0x1C81, -6221, 1},
    {0x1C82, 0x1C82, -6212, 1},  {0x1C83, 0x1C84, -6210, 1},  {0x1C85, 0x1C85, -6211, 1},
    {0x1C86, 0x1C86, -6204, 1},  {0x1C87, 0x1C87, -6180, 1},  {0x1C88, 0x1C88, 35267, 1},
    {0x1C90, 0x1CBA, -3008, 1},  {0x1CBD, 0x1CBF, -3008, 1},  {0x1E00, 0x1E94, 1, 2},
    {0x1E9B, 0x1E9B, -58, 1},    {0x1E9E, 0x1E9E, -7615, 1},  {0x1EA0, 0x1EFE, 1, 2},
    {0x1F08, 0x1F0F, -8, 1},     {0x1F18, 0x1F1D, -8, 1},     {0x1F28, 0x1F2F, -8, 1},
    {0x1F38, 0x1F3F, -8, 1},     {0x1F48, 0x1F4D, -8, 1},     {0x1F59, 0x1F5F, -8, 2},
    {0x1F68, 0x1F6F, -8, 1},     {0x1F88, 0x1F8F, -8, 1},     {0x1F98, 0x1F9F, -8, 1},
    {0x1FA8, 0x1FAF, -8, 1},     {0x1FB8, 0x1FB9, -8, 1},     {0x1FBA, 0x1FBB, -74, 1},
    {0x1FBC, 0x1FBC, -9, 1},     {0x1FBE, 0x1FBE, -7173, 1},  {0x1FC8, 0x1FCB, -86, 1},
    {0x1FCC, 0x1FCC, -9, 1},     {0x1FD8, 0x1FD9, -8, 1},     {0x1FDA, 0x1FDB, -100, 1},
    {0x1FE8, 0x1FE9, -8, 1},     {0x1FEA, 0x1FEB, -112, 1},   {0x1FEC, 0x1FEC, -7, 1},
    {0x1FF8, 0x1FF9, -128, 1},   {0x1FFA, 0x1FFB, -126, 1},   {0x1FFC, 0x1FFC, -9, 1},
    {0x2126, 0x2126, -7517, 1},  {0x212A, 0x212A, -8383, 1},  {0x212B, 0x212B, -8262, 1},
    {0x2132, 0x2132, 28, 1},     {0x2160, 0x216F, 16, 1},     {0x2183, 0x2183, 1, 1},
    {0x24B6, 0x24CF, 26, 1},     {0x2C00, 0x2C2F, 48, 1},     {0x2C60, 0x2C60, 1, 1},
    {0x2C62, 0x2C62, -10743, 1}, {0x2C63, 0x2C63, -3814, 1},  {0x2C64, 0x2C64, -10727, 1},
    {0x2C67, 0x2C6B, 1, 2},      {0x2C6D, 0x2C6D, -10780, 1}, {0x2C6E, 0x2C6E, -10749, 1},
    {0x2C6F, 0x2C6F, -10783, 1}, {0x2C70, 0x2C70, -10782, 1}, {0x2C72, 0x2C72, 1, 1},
    {0x2C75, 0x2C75, 1, 1},      {0x2C7E, 0x2C7F, -10815, 1}, {0x2C80, 0x2CE2, 1, 2},
    {0x2CEB, 0x2CED, 1, 2},      {0x2CF2, 0x2CF2, 1, 1},      {0xA640, 0xA66C, 1, 2},
    {0xA680, 0xA69A, 1, 2},      {0xA722, 0xA72E, 1, 2},      {0xA732, 0xA76E, 1, 2},
    {0xA779, 0xA77B, 1, 2},      {0xA77D, 0xA77D, -35332, 1}, {0xA77E, 0xA786, 1, 2},
    {0xA78B, 0xA78B, 1, 1},      {0xA78D, 0xA78D, -42280, 1}, {0xA790, 0xA792, 1, 2},
    {0xA796, 0xA7A8, 1, 2},      {0xA7AA, 0xA7AA, -42308, 1}, {0xA7AB, 0xA7AB, -42319, 1},
    {0xA7AC, 0xA7AC, -42315, 1}, {0xA7AD, 0xA7AD, -42305, 1}, {0xA7AE, 0xA7AE, -42308, 1},
    {0xA7B0, 0xA7B0, -42258, 1}, {0xA7B1, 0xA7B1, -42282, 1}, {0xA7B2, 0xA7B2, -42261, 1},
    {0xA7B3, 0xA7B3, 928, 1},    {0xA7B4, 0xA7C2, 1, 2},      {0xA7C4, 0xA7C4, -48, 1},
    {0xA7C5, 0xA7C5, -42307, 1}, {0xA7C6, 0xA7C6, -35384, 1}, {0xA7C7, 0xA7C9, 1, 2},
    {0xA7D0, 0xA7D0, 1, 1},      {0xA7D6, 0xA7D8, 1, 2},      {0xA7F5, 0xA7F5, 1, 1},
    {0xAB70, 0xABBF, -38864, 1}, {0xFF21, 0xFF3A, 32, 1},     {0x10400, 0x10427, 40, 1},
    {0x104B0, 0x104D3, 40, 1},   {0x10570, 0x1057A, 39, 1},   {0x1057C, 0x1058A, 39, 1},
    {0x1058C, 0x10592, 39, 1},   {0x10594, 0x10595, 39, 1},   {0x10C80, 0x10CB2, 64, 1},
    {0x118A0, 0x118BF, 32, 1},   {0x16E40, 0x16E5F, 32, 1},   {0x1E900, 0x1E921, 34, 1}};

/* Binary search for the last range that begins at or before `code`. */
static uint32_t lower_in_ranges(uint32_t code)
{
    size_t low = 0;
    size_t high = COUNT(capitals);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (capitals[middle].last < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == COUNT(capitals) || code < capitals[low].first ||
        (code - capitals[low].first) % capitals[low].step != 0) {
        return code;
    }
    return (uint32_t)((int32_t)code + capitals[low].add);
}

uint32_t letters_lower(uint32_t code)
{
    if (code < 0x80) {
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    }
    if (code >= 0x590 && code < 0x10A0) { /* Hebrew to Myanmar: no capitals. */
        return code;
    }
    return lower_in_ranges(code);
}

uint32_t letters_base(uint32_t code)
{
    static const struct {
        uint32_t first;
        size_t count;
        const uint16_t *base;
    } blocks[] = {
        {0xC0, COUNT(latin_base), latin_base},
        {0x386, COUNT(greek_base), greek_base},
        {0x1E00, COUNT(latin_more_base), latin_more_base},
        {0xFB1D, COUNT(hebrew_forms_base), hebrew_forms_base},
        {0xFB50, COUNT(arabic_forms_a_base), arabic_forms_a_base},
        {0xFE80, COUNT(arabic_forms_b_base), arabic_forms_b_base},
    };
    for (size_t i = 0; i < COUNT(blocks) && code >= blocks[i].first; i++) {
        size_t at = code - blocks[i].first;
        if (at < blocks[i].count) {
            return blocks[i].base[at] != 0 ? blocks[i].base[at] : code;
        }
    }
    return code;
}

size_t letters_expand(uint32_t code, uint32_t out[LETTERS_EXPAND_MAX])
{
    if (code < 0xC6 || (code > 0x1F3 && code < 0x5F0) || (code > 0x5F2 && code < 0x1E9E)) {
        return 0; /* Most letters lie between those that are several. */
    }
    for (size_t i = 0; i < COUNT(expansions) && expansions[i].code <= code; i++) {
        size_t count = 0;
        if (expansions[i].code != code) {
            continue;
        }
        while (count < LETTERS_EXPAND_MAX && expansions[i].letters[count] != 0) {
            out[count] = expansions[i].letters[count];
            count++;
        }
        return count;
    }
    return 0;
}
