<?php
header('Content-Type: text/plain; charset=utf-8');
if ($_SERVER['REQUEST_URI'] === '/up') {
    echo "ok\n";
    return;
}
echo "almanac\n", date('Y-m-d'), "\n";
