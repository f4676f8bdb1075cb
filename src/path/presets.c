/* SPDX-License-Identifier: MIT */
#include "path/path.h"

/* Each way has half of a round trip, where a source measured that. Figures that a source does not
 * name are round ones of ours. RFC 8868, section 4.3, calls queues of 300 ms nominal, of 1 s
 * bloated; those at 100 Mbit/s are shorter, so that no more packets are held than a path has room
 * for, however small. Overheads as in tc-cake(8): ethernet, docsis and pppoe-ptm. */
const struct nv_preset nv_path_presets[] = {
    {"none", "", "the real network: nothing is emulated", NULL},
    {"empty", "", "an emulated path that does nothing to packets", NULL},
    {"lan", "delay=250us,rate=100Mbit/s,overhead=38,queue=10ms", "a switched local network",
     "IEEE 802.3, 100BASE-TX: rate, 38 bytes a frame around IP; delay and queue are round figures"},
    {"wifi",
     "delay=1ms,jitter=1ms,dist=pareto,order=keep,ge-time=990ms:10ms:50%,rate=50Mbit/s,"
     "queue=300ms",
     "busy Wi-Fi: a long tail of delay, 0.5 % loss in short spells",
     "Sui et al., MobiSys 2016: 90 % of latencies within about 20 ms; the rest are round figures"},
    {"dsl",
     "delay=22ms,jitter=1ms,down.rate=25Mbit/s,up.rate=3Mbit/s,queue=300ms,overhead=30,mtu=1492",
     "DSL with PPPoE: asymmetric, a smaller MTU",
     "FCC: Measuring Broadband America, Feb. 2013 (44 ms); benchmark of 2015 (25/3); RFC 2516 "
     "(MTU)"},
    {"cable",
     "delay=13ms,down.jitter=1ms,up.jitter=3ms,down.rate=100Mbit/s,up.rate=20Mbit/s,"
     "down.queue=100ms,up.queue=300ms,overhead=18",
     "cable: asymmetric, some jitter on the way up",
     "FCC: Measuring Broadband America, Feb. 2013 (26 ms); benchmark of 2024 (100/20 Mbit/s)"},
    {"lte", "delay=35ms,jitter=5ms,order=keep,down.rate=13Mbit/s,up.rate=6Mbit/s,queue=300ms",
     "4G: asymmetric, jitter, loss in the queue alone",
     "Huang et al., MobiSys 2012: medians 13 Mbit/s down, 6 up, RTT 70 ms; jitter, queue: round"},
    {"5g",
     "delay=9ms,jitter=3ms,order=keep,down.rate=100Mbit/s,up.rate=20Mbit/s,down.queue=100ms,"
     "up.queue=300ms",
     "5G below 6 GHz: asymmetric, jitter, loss in the queue alone",
     "Ofcom: Mobile Matters 2024 (16.3 to 21.4 ms); Ookla, Q3 2021 (21 Mbit/s up); the rest round"},
    {"geo", "delay=270ms,down.rate=20Mbit/s,up.rate=3Mbit/s,queue=1bdp",
     "a geostationary satellite: half a second there and back",
     "RFC 2488, section 2: 239.6 to 279.0 ms a hop; Ookla, Q3 2021: 19 Mbit/s down; the rest "
     "round"},
    /* Jitter of 4 ms each way makes successive round trips differ by 6.4 ms in the mean. */
    {"leo",
     "delay=22ms,jitter=4ms,dist=normal,order=keep,ge-time=15s:60ms,down.rate=87Mbit/s,"
     "up.rate=14Mbit/s,queue=1bdp",
     "low satellites: jitter, and a short outage now and then",
     "Ookla, Q3 2021: Starlink 44 ms, 87/14 Mbit/s; Huston, APNIC 2024: 6.7 ms jitter, 15 s a "
     "satellite"},

    /* One fault each on the same path, so that they can be compared. */
    {"lossy", "delay=20ms,rate=50Mbit/s,loss=1%", "1 % of packets lost, each by itself",
     "RFC 8868, section 4.2: 1 %, its lowest loss but none; the rest are round figures"},
    {"bursty", "delay=20ms,rate=50Mbit/s,ge-time=980ms:20ms", "2 % of the time all packets lost",
     "Yajnik et al., INFOCOM 1999: losses correlate over 1 s or less; all figures are round"},
    {"reorder", "delay=20ms,rate=50Mbit/s,reorder=1%,reorder-delay=5ms",
     "1 % of packets come 5 ms late, behind others",
     "Laor and Gendel, IEEE Network 2002: rates from 0.1 to 1 % harm TCP; the rest round figures"},
    {"bufferbloat", "delay=20ms,rate=10Mbit/s,queue=1s", "a slow link behind a queue of one second",
     "RFC 8868, section 4.3: 1 to 2 s is bloated; delay and rate are round figures"},
    {NULL, NULL, NULL, NULL},
};
